"""Building models by name, with or without trained weights, and listing the names."""

import fnmatch
import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from cctzoo.arguments import checked_arguments
from cctzoo.messages import received
from cctzoo.models.cost import multiply_accumulates
from cctzoo.models.model import CCT
from cctzoo.models.variants import VARIANTS, variant_config
from cctzoo.typing import PathLike
from cctzoo.weights.compatibility import check_variant
from cctzoo.weights.registry import WEIGHTS, list_weights, tags_hint
from cctzoo.weights.source import open_weights


@checked_arguments
def create_model(
    variant: str,
    /,
    *,
    weights: PathLike | None = None,
    pretrained: bool = False,
    name: str | None = None,
    dtype: Any = None,
    **changes: Any,
) -> CCT:
    """Builds a model by name.

    Args:
        variant: a name of `list_models()`, or another name of the grammar
            `cct_SIZE_KERNELxLAYERS_IMAGE`, e.g. `"cct_14_3x1_64"`, or
            `text_cct_SIZE_kKERNEL`; or a tag of trained weights, e.g.
            `"cct_2_3x2_32.cifar10"`, which stands for the model and its `weights`.
        weights: a tag of trained weights from `list_models(weights=True)`, e.g. `"cifar10"`,
            or the path of a file or folder, see `weights.open_weights`. With a tag or a file that
            describes its model (`.keras`, our own `.safetensors`, a folder), the fields of the
            trained model become the defaults: heads, statistics of the pixels and all others.
            With a file of weights alone (`.pth`, `.weights.h5`), the model must be the same, and
            one line of the log says which statistics are used. Weights other than `.weights.h5`
            files are adapted to another image size and other classes, see
            `weights.load_pytorch_checkpoint`. Default: new random weights.
        pretrained: load the trained weights of the model, of which there must be one set.
        name: name of the Keras model. Default: `variant`.
        dtype: dtype policy, e.g. `"mixed_bfloat16"`. Default: Keras' global policy.
        **changes: fields of `CCTConfig` (image models) or `TextConfig` (text models), e.g.
            `heads=64, classes=100`.

    Raises:
        ValueError: for an unknown name or keyword, for values that contradict each other, or
            for `weights` that do not exist, are damaged or do not fit the model.
        OSError: if the weights cannot be downloaded.

    Example:

    ```python
    import numpy as np
    from cctzoo.models import create_model

    model = create_model("cct_2_3x2_32", heads=16, classes=100)
    images = np.random.randint(0, 256, (2, 32, 32, 3))
    probabilities = model.predict(images)  # (2, 100)
    ```
    """
    variant, weights = _with_weights(variant, weights, pretrained)
    if weights is None:
        return CCT(variant_config(variant, **changes), name=name or variant, dtype=dtype)
    with open_weights(weights, variant) as source:
        if source.row is not None and source.row.model != variant:
            raise ValueError(
                f"`weights` must be weights of the model {variant!r}. "
                f"Received: weights={weights!r}, which are of {source.row.model!r}"
            )
        if source.config is not None:
            check_variant(variant, changes, source.name, source.config, str(source))
            return source.build(name=name or variant, dtype=dtype, **changes)
        if source.open().description is not None:
            raise ValueError(
                "`weights` must be weights of one model. Build the committee with "
                "`weights.open_weights(path).build()`. "
                f"Received: weights={str(weights)!r}, which holds the committee {source.name!r}"
            )
        model = CCT(variant_config(variant, **changes), name=name or variant, dtype=dtype)
        source.load_into(model)
        return model


def _with_weights(variant, weights, pretrained):
    """The name of the model and its weights, which a tag or `pretrained` may stand for."""
    if variant in WEIGHTS:
        if weights is not None:
            raise ValueError(
                "A tag stands for its own weights: with `weights`, name the model alone. "
                f"{received(variant=variant, weights=weights)}"
            )
        return WEIGHTS[variant].model, variant
    if not pretrained or weights is not None:
        return variant, weights
    tags = [tag for tag, row in WEIGHTS.items() if row.model == variant]
    if len(tags) == 1:
        return variant, tags[0]
    raise ValueError(
        "`pretrained` needs a model with one set of trained weights; choose one by `weights`. "
        f"{tags_hint(variant, variant)} Received: {variant!r}, of which there are {len(tags)} sets"
    )


def factory(variant: str) -> Callable[..., CCT]:
    """The function that builds a row of `VARIANTS`, with the fields of the row as defaults."""
    row = VARIANTS[variant]

    def build(*, weights=None, pretrained=False, name=None, dtype=None, **changes):
        return create_model(
            variant, weights=weights, pretrained=pretrained, name=name, dtype=dtype, **changes
        )

    build.__name__ = build.__qualname__ = variant
    build.__doc__ = f"""Builds `{variant}`, {row.parameters:,} parameters for {row.classes} classes.

    The keywords are `weights`, `pretrained`, `name` and `dtype` of `create_model`, and the
    fields of `{type(row.config).__name__}`.

    Example:

    ```python
    import cctzoo

    model = cctzoo.models.{variant}(classes=10)
    ```
    """
    defaults = {"weights": None, "pretrained": False, "name": None, "dtype": None}
    defaults |= {field.name: getattr(row.config, field.name) for field in fields(row.config)}
    build.__signature__ = inspect.Signature(
        [
            inspect.Parameter(keyword, inspect.Parameter.KEYWORD_ONLY, default=default)
            for keyword, default in defaults.items()
        ]
    )
    return build


@checked_arguments
def text_cct(size: int = 2, kernel_size: int = 2, **keywords: Any) -> CCT:
    """Builds a text model: convolution over neighbouring words, pooling, encoder.

    Sequence pooling gives the classifier its input.

    Args:
        size: 2, 4 or 6.
        kernel_size: number of words that a kernel spans; the paper has 1, 2 and 4.
        **keywords: keywords of `create_model` and fields of `TextConfig`, e.g. `heads=64`,
            `vocabulary_size=20_000`, `length=64`, `classes=4`.

    Returns:
        A `CCT` from token ids (B, length) to (B, classes).

    Raises:
        ValueError: as in `create_model`.

    Reference: Hassani et al., arXiv 2104.05704, and the authors' code.
    """
    return create_model(f"text_cct_{size}_k{kernel_size}", **keywords)


@checked_arguments
def text_cvt(size: int = 2, kernel_size: int = 4, **keywords: Any) -> CCT:
    """Builds a text model: patches of `kernel_size` words, encoder, sequence pooling.

    Arguments, return value and errors as in `text_cct`.
    """
    return create_model(f"text_cvt_{size}_k{kernel_size}", **keywords)


@checked_arguments
def text_vit(size: int = 2, kernel_size: int = 4, **keywords: Any) -> CCT:
    """Builds a text model: patches of `kernel_size` words, encoder, class token.

    Arguments, return value and errors as in `text_cct`.
    """
    return create_model(f"text_vit_{size}_k{kernel_size}", **keywords)


@checked_arguments
def text_transformer(size: int = 2, **keywords: Any) -> CCT:
    """Builds a text model: one token per word, encoder, class token.

    The residual stream is as wide as the word vectors: give `embed_dim` and `word_dim` the
    same value. Other arguments, return value and errors as in `text_cct`.
    """
    return create_model(f"text_transformer_{size}", **keywords)


@checked_arguments
def list_models(
    pattern: str | Sequence[str] = "*", weights: bool = False, exclude: str | Sequence[str] = ()
) -> list[str]:
    """Names of the listed models that match a shell pattern, e.g. `"cct_*_32"`.

    Args:
        pattern: one pattern, or several, of which one must match.
        weights: return the tags of trained weights instead, e.g. `"cct_2_3x2_32.cifar10"`;
            `cctzoo.weights.describe` describes a tag.
        exclude: one pattern, or several, none of which may match.
    """
    names = list_weights() if weights else list(VARIANTS)
    wanted, unwanted = _patterns(pattern=pattern), _patterns(exclude=exclude)
    return [name for name in names if _matches(name, wanted) and not _matches(name, unwanted)]


def _patterns(**argument: str | Sequence[str]) -> list[str]:
    """The patterns that an argument of `list_models` holds."""
    [(name, value)] = argument.items()
    patterns = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(each, str) for each in patterns):
        raise ValueError(f"`{name}` must hold str alone. {received(**argument)}")
    return patterns


def _matches(name: str, patterns: list[str]) -> bool:
    """Whether a name, or the model of a tag, matches one of the patterns."""
    model, _, _ = name.partition(".")
    return any(fnmatch.fnmatchcase(each, pattern) for each in (name, model) for pattern in patterns)


@checked_arguments
def model_table(pattern: str | Sequence[str] = "*", exclude: str | Sequence[str] = ()) -> str:
    """A table of the listed models, one model per line; the arguments are those of `list_models`.

    `tokens` is the length of the encoder's sequence. `GMACs` counts the matrix products and
    convolutions of one image or text, attention included, in billions of
    multiply-accumulates.
    """
    columns = ("input", "classes", "tokens", "width", "blocks", "heads", "prefix")
    header = f"{'model':<20}" + "".join(f"{column:>9}" for column in columns)
    lines = [header + f"{'parameters':>12}{'GMACs':>9}"]
    for name in list_models(pattern, exclude=exclude):
        config = VARIANTS[name].config
        if config.kind == "texts":
            size = f"{config.length} ids"
        else:
            size = "x".join(map(str, config.input_shape[:2]))
        cells = (size, config.classes, config.tokens, config.embed_dim)
        cells += (config.depth, config.heads, config.conv_prefix)
        line = f"{name:<20}" + "".join(f"{cell:>9}" for cell in cells)
        line += f"{VARIANTS[name].parameters:>12,}{multiply_accumulates(config) / 1e9:>9.4f}"
        lines.append(line)
    return "\n".join(lines)
