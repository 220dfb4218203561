"""What a model is, as plain data for a JSON file; and the model of such data."""

import dataclasses
import json
import math

from cctzoo.models.cct import CCT
from cctzoo.models.committee import SoftCommittee
from cctzoo.models.config import CCTConfig

MOST_POSITIONS = 2**26  # numbers in a table of sines, which no file pays for
# Fields that the meaning of the weights depends on; the others are the user's to change.
FIXED = ("family", "depth", "embed_dim", "block_heads", "mlp_ratio", "kernel_size")
FIXED += ("conv_layers", "conv_prefix", "prefix_kind", "block_filters", "norm")


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
    if any(layer.quantization_mode for layer in model._flatten_layers()):
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
            config = config_of(about)
            _check_size(config, elements)
            return CCT(config, name=str(about["name"]), dtype=dtype)
        if about["kind"] == "soft_committee" and len(about["members"]) <= elements:
            return SoftCommittee(
                [build(member, elements, dtype) for member in about["members"]],
                average=about["average"],
                weights=[float(weight) for weight in about["weights"]],
                classifier_activation=about["classifier_activation"],
                name=str(about["name"]),
            )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"A model's description must be whole. Received: {error!r}") from error
    raise ValueError(
        'A model\'s description must be of kind "cct" or "soft_committee". '
        f"Received: kind={str(about['kind'])[:50]!r}"
    )


def config_of(about):
    """The `CCTConfig` in a description of a `CCT`; ValueError where there is none."""
    try:
        return CCTConfig(**about["config"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"A model's description must be whole. Received: {error!r}") from error


def check_same(source, config, what):
    """Raises ValueError if weights of one config mean something else in a model of another.

    Other numbers of heads, for one, have weights of the same shapes: nothing else would notice.

    Args:
        source: the `CCTConfig` that the weights are of.
        config: of the model that is to take them.
        what: has these weights, for the error's first words.
    """
    pairs = {name: (getattr(source, name), getattr(config, name)) for name in FIXED}
    pairs["head_dim"] = tuple(
        tuple(each.head_dim or each.embed_dim // heads for heads in each.block_heads)
        for each in (source, config)
    )
    odd = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if odd:
        raise ValueError(
            f"{what} are for {', '.join(f'{name}={pair[0]!r}' for name, pair in odd.items())}. "
            f"Received: {', '.join(f'{name}={pair[1]!r}' for name, pair in odd.items())}"
        )


def _check_size(config, elements):
    """Raises ValueError if the model has more weights than the file, by a lower bound."""
    width = config.embed_dim
    hidden = int(config.mlp_ratio * width)
    heads = sum(n * (config.head_dim or width // n) for n in config.block_heads)
    least = 4 * width * heads + 2 * width * hidden * len(config.block_heads)
    least += width * config.classes if config.include_top else 0
    least += width * config.tokens if config.positional_embedding == "learnable" else 0
    least += config.kernel_size**2 * config.tokenizer_filters * config.conv_layers
    least += sum(config.block_filters)
    pixels = math.prod(config.input_shape)
    if least > elements or max(pixels, width * config.tokens) > MOST_POSITIONS:
        raise ValueError(
            "A model's description must be one of the weights that come with it. Received: "
            f"{elements} numbers for a model of at least {least} weights and {pixels} pixels"
        )


def parse(text):
    """A description from JSON; ValueError for what is none."""
    try:
        about = json.loads(text)
    except RecursionError as error:
        raise ValueError("A description must not be nested deep. Received: JSON") from error
    if not isinstance(about, dict):
        raise ValueError(f"A description must be a JSON object. Received: {text[:50]!r}")
    return about
