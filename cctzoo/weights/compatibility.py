"""Whether weights of one model mean the same in another model."""

import json
import reprlib
from typing import Any

from cctzoo.models.committee import SoftCommittee
from cctzoo.models.model import CCT
from cctzoo.models.variants import Config
from cctzoo.weights.description import describe_model

# Fields that change the meaning of the weights; a user may change all other fields.
FIXED = (
    "family",
    "depth",
    "embed_dim",
    "block_heads",
    "mlp_ratio",
    "kernel_size",
    "conv_prefix",
    "prefix_kind",
    "block_filters",
    "norm",
)
FIXED_BY_KIND = {
    "images": ("conv_layers",),
    "texts": ("vocabulary_size", "word_dim", "padding_id"),
}


def check_same(source: Config, target: Config, what: str) -> None:
    """Raises ValueError if weights of one config mean something else in a model of another.

    Models with different numbers of heads, for example, have weights of the same shapes, so
    that no comparison of shapes finds the difference. The same is true of different words.

    Args:
        source: the config of the weights.
        target: the config of the model that the weights are loaded into.
        what: the subject of the error message, e.g. "The weights 'cct_2_3x2_32.cifar10'".
    """
    if source.kind != target.kind:
        fixed = ("family",)
    else:
        check_words(source, target, what)
        fixed = (*FIXED, *FIXED_BY_KIND[source.kind])
    pairs = {name: (getattr(source, name), getattr(target, name)) for name in fixed}
    pairs["head_dim"] = source.block_head_dims, target.block_head_dims
    different = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if different:
        wanted = ", ".join(f"{name}={pair[0]!r}" for name, pair in different.items())
        received = ", ".join(f"{name}={pair[1]!r}" for name, pair in different.items())
        raise ValueError(f"{what} require {wanted}. Received: {received}")


def check_words(source: Config, target: Config, what: str) -> None:
    """Raises ValueError if both configs have a `vocabulary`, and the vocabularies differ.

    Args:
        source, target, what: as in `check_same`.
    """
    words = [getattr(config, "vocabulary", None) for config in (source, target)]
    if None not in words and words[0] != words[1]:
        old, new = (f"{len(each):,} words, {reprlib.repr(each)}" for each in words)
        raise ValueError(f"{what} require the `vocabulary` of {old}. Received: {new}")


def check_committee(description: dict[str, Any], model: CCT | SoftCommittee) -> None:
    """Raises ValueError unless `description` is that of the committee `model`."""
    members = _members(description)
    if members is None or members != _members(json.loads(json.dumps(describe_model(model)))):
        raise ValueError(
            "The weights of a committee can only be loaded into the same committee. Received: "
            f"weights of {str(description.get('name'))[:50]!r} for the {type(model).__name__} "
            f"{model.name!r}"
        )


def _members(description):
    """The part of a committee's description that its weights depend on, or None."""
    members = description.get("members")
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        return None
    kept = [(member.get("name"), member.get("config")) for member in members]
    return kept, description.get("average"), description.get("weights")
