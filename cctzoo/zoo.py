"""The factories: models by name, with or without trained weights, and what can be named."""

import fnmatch
import inspect
from dataclasses import fields

from cctzoo.models.cost import multiply_accumulates
from cctzoo.models.model import CCT
from cctzoo.models.variants import VARIANTS, variant_config
from cctzoo.weights.registry import list_weights
from cctzoo.weights.source import build_with_weights


def create_model(variant, /, *, weights=None, name=None, dtype=None, **changes):
    """Builds a model by name.

    Args:
        variant: a name of `list_models()`, or any other of the grammar
            `cct_SIZE_KERNELxLAYERS_IMAGE`, e.g. `"cct_14_3x1_64"`, or
            `text_cct_SIZE_kKERNEL`.
        weights: the tag of trained weights (`list_models(weights=True)`, e.g. `"cifar10"`),
            whose model's numbers are then the defaults; or the path of a `.pth` (or `.pt`)
            checkpoint of the authors' layout, a `.safetensors` file of that or our own, or a
            `.weights.h5` or `.keras` file of the same architecture. Tags, checkpoints and
            safetensors are adapted to other images and classes, see
            `weights.load_pytorch_checkpoint`. Default: fresh weights.
        name: of the Keras model. Default: `variant`.
        dtype: policy, e.g. `"mixed_bfloat16"`. Default: Keras' global one.
        **changes: any field of `CCTConfig` (images) or `TextConfig` (texts), e.g.
            `heads=64, classes=100`.

    Returns:
        A `CCT`.

    Raises:
        ValueError: for an unknown name or keyword, values that contradict each other, or
            `weights` that are not there, are broken or do not fit.
        OSError: for weights that could not be downloaded.
    """
    if weights is not None:
        return build_with_weights(variant, weights, name, dtype, changes)
    return CCT(variant_config(variant, **changes), name=name or variant, dtype=dtype)


def factory(variant):
    """The function that builds a row of `VARIANTS`, with the row's numbers as defaults."""
    row = VARIANTS[variant]

    def build(*, weights=None, name=None, dtype=None, **changes):
        return create_model(variant, weights=weights, name=name, dtype=dtype, **changes)

    build.__name__ = build.__qualname__ = variant
    build.__doc__ = (
        f"`{variant}`: {row.parameters:,} parameters with {row.classes} classes.\n\n"
        f"Keywords are those of `create_model` and the fields of `{type(row.config).__name__}`."
    )
    options = ["weights", "name", "dtype"], [None, None, None]
    for field in fields(row.config):
        options[0].append(field.name)
        options[1].append(getattr(row.config, field.name))
    build.__signature__ = inspect.Signature(
        [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default)
            for option, default in zip(*options, strict=True)
        ]
    )
    return build


def text_cct(size=2, kernel_size=2, **keywords):
    """Convolution over neighbouring words, pooling, encoder, sequence pooling.

    Args:
        size: 2, 4 or 6.
        kernel_size: words that a kernel spans; 1, 2 and 4 are the published ones.
        **keywords: of `create_model`, and any field of `TextConfig`, e.g. `heads=64`,
            `vocabulary_size=20_000`, `length=64`, `classes=4`.

    Returns:
        A `CCT` from token ids (B, length) to (B, classes).

    Raises:
        ValueError: as `create_model` does.

    Reference: Hassani et al., arXiv 2104.05704, and the authors' code.
    """
    return create_model(f"text_cct_{size}_k{kernel_size}", **keywords)


def text_cvt(size=2, kernel_size=4, **keywords):
    """Patches of `kernel_size` words, encoder, sequence pooling; else as `text_cct`."""
    return create_model(f"text_cvt_{size}_k{kernel_size}", **keywords)


def text_vit(size=2, kernel_size=4, **keywords):
    """Patches of `kernel_size` words, encoder, class token; else as `text_cct`."""
    return create_model(f"text_vit_{size}_k{kernel_size}", **keywords)


def text_transformer(size=2, **keywords):
    """Words as they are, encoder, class token; else as `text_cct`.

    The stream is as wide as the word vectors: give `embed_dim` with `word_dim`.
    """
    return create_model(f"text_transformer_{size}", **keywords)


def list_models(pattern="*", weights=False):
    """Names of the listed models that match a shell pattern, e.g. `"cct_*_32"`.

    With `weights`, the tags of their trained weights instead, e.g. `"cct_2_3x2_32.cifar10"`;
    `cctzoo.weights.describe` says what each is.
    """
    if weights:
        return list_weights(pattern)
    return [name for name in VARIANTS if fnmatch.fnmatchcase(name, pattern)]


def model_table(pattern="*"):
    """The listed models as a table to print, one line each.

    Tokens are those of the encoder; MACs are those of all matrix products and
    convolutions for one image or text, attention included.
    """
    header = ("model", "input", "classes", "tokens", "width", "blocks", "heads", "prefix")
    lines = [f"{header[0]:<20}" + "".join(f"{word:>9}" for word in header[1:])]
    lines[0] += f"{'parameters':>12}{'GMACs':>9}"
    for name in list_models(pattern):
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
