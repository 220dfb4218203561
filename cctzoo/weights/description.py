"""What a model is, as plain data for a JSON file; and the model of such data."""

import contextlib
import dataclasses
import json
import math
import reprlib

import keras

from cctzoo.models.committee import SoftCommittee
from cctzoo.models.model import CCT
from cctzoo.models.quantised import is_quantised
from cctzoo.models.variants import config_from_fields

MOST_POSITIONS = 2**26  # pixels, or numbers in a table of sines: no file pays for them
MOST_LAYERS = 1000
# Fields that the meaning of the weights depends on; the others are the user's to change.
FIXED = ("family", "depth", "embed_dim", "block_heads", "mlp_ratio", "kernel_size")
FIXED += ("conv_prefix", "prefix_kind", "block_filters", "norm")
FIXED_OF_IMAGES = ("conv_layers",)
FIXED_OF_TEXTS = ("vocabulary_size", "word_dim", "padding_id")


def description(model):
    """A dict of plain values that `build` makes the same architecture of.

    Args:
        model: a `CCT` or a `SoftCommittee`, not quantised.

    Raises:
        ValueError: for any other model.
    """
    if not isinstance(model, CCT | SoftCommittee):
        raise ValueError(
            "`model` must be a `CCT` or a `SoftCommittee`. "
            f"Received: model={model!r}, a {type(model).__name__}"
        )
    if is_quantised(model):
        raise ValueError(
            "A quantised model keeps no floating-point weights: save it before, or as `.keras`. "
            f"Received: the model {model.name!r}, quantised"
        )
    if isinstance(model, CCT):
        return {"kind": "cct", "name": model.name, "config": dataclasses.asdict(model.config)}
    return {
        "kind": "soft_committee",
        "name": model.name,
        "members": [description(member) for member in model.members],
        "average": model.config.average,
        "weights": list(model.config.weights),
        "classifier_activation": model.config.classifier_activation,
    }


def build(about, elements, dtype=None):
    """The model of a `description`, with fresh weights.

    Args:
        about: the dict, which may come from anywhere.
        elements: how many numbers the file of its weights holds: what would be a larger model
            is refused before it is built.
        dtype: policy of the layers. Default: Keras' global one.

    Raises:
        ValueError: for a description that is none.
    """
    try:
        if about["kind"] == "cct":
            return _build_all([about], elements, dtype)[0]
        if about["kind"] == "soft_committee":
            return SoftCommittee(
                _build_all(about["members"], elements, dtype, keras.name_scope),
                average=about["average"],
                weights=[float(weight) for weight in about["weights"]],
                classifier_activation=about["classifier_activation"],
                name=str(about["name"]),
            )
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"A model's description must be whole. Received: {error!r}") from error
    raise ValueError(
        'A model\'s description must be of kind "cct" or "soft_committee". '
        f"Received: kind={str(about['kind'])[:50]!r}"
    )


def config_of(about):
    """The config in a description of a `CCT`; ValueError where there is none."""
    try:
        fields = about["config"]
        for name in ("depth", "conv_layers"):  # whose numbers alone make long tuples
            if name in fields and not fields[name] <= MOST_LAYERS:
                raise ValueError(
                    f"`{name}` must be at most {MOST_LAYERS}. Received: more in a description"
                )
        return config_from_fields(fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"A model's description must be whole. Received: {error!r}") from error


def _build_all(members, elements, dtype, scope=contextlib.nullcontext):
    """A `CCT` of each description, if all of them together can be of so many numbers."""
    configs = [config_of(member) for member in members]
    least = sum(map(_least, configs))
    largest = max(max(math.prod(c.input_shape), c.embed_dim * c.tokens) for c in configs)
    if least > elements or largest > MOST_POSITIONS:
        raise ValueError(
            "A model's description must be one of the weights that come with it. Received: "
            f"{elements} numbers for a model of at least {least} weights and {largest} places"
        )
    models = []
    for member, config in zip(members, configs, strict=True):
        name = str(member["name"])
        with scope(name):  # a committee's leads the paths of its members' variables
            models.append(CCT(config, name=name, dtype=dtype))
    return models


def _least(config):
    """A lower bound of the number of a config's weights."""
    width = config.embed_dim
    hidden = int(config.mlp_ratio * width)
    heads = sum(map(math.prod, zip(config.block_heads, config.block_head_dims, strict=True)))
    least = 4 * width * heads + 2 * width * hidden * len(config.block_heads)
    least += width * config.classes if config.include_top else 0
    least += width * config.tokens if config.positional_embedding == "learnable" else 0
    if config.kind == "images":
        least += config.kernel_size**2 * config.tokenizer_filters * config.conv_layers
    else:
        least += config.vocabulary_size * config.word_dim
        if config.family != "text_transformer":
            least += config.kernel_size * config.word_dim * width
    return least + sum(config.block_filters)


def check_same(source, config, what):
    """Raises ValueError if weights of one config mean something else in a model of another.

    Other numbers of heads, for one, have weights of the same shapes: nothing else would notice.
    Nor would it with other words, where both models know theirs.

    Args:
        source: the config that the weights are of.
        config: of the model that is to take them.
        what: has these weights, for the error's first words.
    """
    if type(source) is not type(config):
        fixed = ("family",)  # one for images, one for texts
    elif config.kind == "texts":
        check_words(source, config, what)
        fixed = (*FIXED, *FIXED_OF_TEXTS)
    else:
        fixed = (*FIXED, *FIXED_OF_IMAGES)
    pairs = {name: (getattr(source, name), getattr(config, name)) for name in fixed}
    pairs["head_dim"] = source.block_head_dims, config.block_head_dims
    odd = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if odd:
        raise ValueError(
            f"{what} are for {', '.join(f'{name}={pair[0]!r}' for name, pair in odd.items())}. "
            f"Received: {', '.join(f'{name}={pair[1]!r}' for name, pair in odd.items())}"
        )


def check_words(source, config, what):
    """Raises ValueError if two configs of texts know their words, and they are not the same.

    Args:
        source, config, what: as in `check_same`.
    """
    words = [getattr(each, "vocabulary", None) for each in (source, config)]
    if None not in words and words[0] != words[1]:
        old, new = (f"{len(each):,} words, {reprlib.repr(each)}" for each in words)
        raise ValueError(f"{what} are for the `vocabulary` of {old}. Received: {new}")


def parse(text):
    """A description from JSON; ValueError for what is none."""
    try:
        about = json.loads(text)
    except RecursionError as error:
        raise ValueError("A description must not be nested deep. Received: JSON") from error
    if not isinstance(about, dict):
        raise ValueError(f"A description must be a JSON object. Received: {text[:50]!r}")
    return about
