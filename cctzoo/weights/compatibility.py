"""Whether weights of one model mean the same in another model."""

import json
import reprlib
from collections.abc import Collection, Mapping
from typing import Any

from cctzoo.models.committee import SoftCommittee
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.models.model import CCT
from cctzoo.models.variants import VARIANTS, Config, variant_config
from cctzoo.settings import options
from cctzoo.weights.description import describe_model

# Fields that change the meaning of the weights; a user may change all other fields.
FIXED = (
    "family",
    "depth",
    "embed_dim",
    "mlp_ratio",
    "kernel_size",
    "conv_prefix",
    "prefix_kind",
    "block_filters",
    "norm",
    "activation",
    *options(EncoderConfig),
)
# Of these, fields that may differ if another value was asked for: the shapes stay the same.
FINE_TUNED = ("attention", "activation")
FIXED_BY_KIND = {
    "images": ("conv_layers",),
    "texts": ("vocabulary_size", "word_dim", "padding_id"),
}
BY_BLOCK = {
    "heads": "block_heads",
    "head_dim": "block_head_dims",
    "attention": "block_attention",
}
# Fields that the grammar of model names states. The width and the heads only follow from the
# depth, and models are often trained with others.
SPELLED = ("family", "depth", "kernel_size", "conv_prefix")
SPELLED_BY_KIND = {"images": ("conv_layers", "positional_embedding"), "texts": ()}


def check_same(source: Config, target: Config, what: str, changes: Collection[str] = ()) -> None:
    """Raises ValueError if weights of one config mean something else in a model of another.

    Models with different numbers of heads, for example, have weights of the same shapes, so
    that no comparison of shapes finds the difference. The same is true of different words, and of
    the kind of attention and the activation, which may differ if that was asked for.

    Args:
        source: the config of the weights.
        target: the config of the model that the weights are loaded into.
        what: the subject of the error message, e.g. "The weights 'cct_2_3x2_32.cifar10'".
        changes: names of the fields that the user changed.
    """
    if source.kind != target.kind:
        fixed = ("family",)
    else:
        check_words(source, target, what)
        fixed = (*FIXED, *FIXED_BY_KIND[source.kind])
    pairs = {name: (getattr(source, name), getattr(target, name)) for name in fixed}
    for name, of_blocks in BY_BLOCK.items():
        pairs[name] = _given_or_of_blocks(source, target, name, of_blocks)
    asked_for = set(FINE_TUNED) & set(changes)
    different = {
        name: pair for name, pair in pairs.items() if pair[0] != pair[1] and name not in asked_for
    }
    if different:
        wanted, received = _listed(different)
        raise ValueError(f"{what} require {wanted}. Received: {received}")


def check_variant(
    variant: str, changes: Mapping[str, Any], name: str | None, config: Config, what: str
) -> None:
    """Raises ValueError if a name of `create_model` contradicts the model of some weights.

    A model that was built by this name, with changes such as another width, is accepted. The
    other names must agree in what the name says: family, depth, kernel, convolutions and
    position embedding. The image size may differ.

    Args:
        variant: the name.
        changes: fields that are given with it, which `check_same` compares.
        name: of the model of the weights.
        config: of the model of the weights.
        what: the subject of the error message, e.g. "The weights in 'a.keras'".
    """
    named = variant_config(variant)
    if named.kind != config.kind:
        fields = ("family",)
    elif name == variant:
        return
    else:
        fields = (*SPELLED, *SPELLED_BY_KIND[config.kind])
        fields += tuple(VARIANTS[variant].changes) if variant in VARIANTS else ()
    pairs = {
        field: (getattr(config, field), getattr(named, field))
        for field in dict.fromkeys(fields)
        if field not in changes
    }
    different = {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}
    if different:
        own, received = _listed(different)
        raise ValueError(
            f"{what} are of a model with {own}. Build this model with "
            "`weights.open_weights(path).build()`, or name a model that agrees. "
            f"Received: {variant!r}, which has {received}"
        )


def _given_or_of_blocks(source, target, name, of_blocks):
    """Both values of a field as they were given; if one is a sequence, one value per block."""
    given, expanded = (
        tuple(getattr(config, field) for config in (source, target)) for field in (name, of_blocks)
    )
    # Otherwise another depth or width would be reported as other heads, too.
    alike = len({type(value) for value in given}) == 1
    return given if alike and not isinstance(given[0], tuple) else expanded


def _listed(different):
    """The old and the new values of fields, each as a text."""
    return [
        ", ".join(f"{field}={pair[i]!r}" for field, pair in different.items()) for i in range(2)
    ]


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


def describe_assumptions(source: Config | None, model: CCT, file: str) -> str | None:
    """What a model has of its own that decides how the loaded weights work, as one sentence.

    Args:
        source: the config of the weights; None if the file holds only weights.
        model: the model that they were loaded into.
        file: name of the file.

    Returns:
        None if the file and the model agree, or if the model has no such settings.
    """
    config = model.config
    heads = f"heads={config.heads!r}"
    for name, usual in (("attention", "softmax"), ("activation", "gelu")):
        if getattr(config, name) != usual:
            heads += f", {name}={getattr(config, name)!r}"
    if config.kind == "texts":
        if source is not None:
            return None
        words = "no vocabulary" if config.vocabulary is None else "the vocabulary"
        return (
            f"{file} holds neither words nor the number of heads: {words} and {heads} of the "
            "model are used"
        )
    if not config.include_preprocessing:
        return None
    own = f"mean={config.mean!r}, std={config.std!r}"
    if source is None:
        return (
            f"{file} holds neither pixel statistics nor the number of heads: {own} and {heads} "
            "of the model are used"
        )
    if (source.mean, source.std) == (config.mean, config.std):
        return None
    return (
        f"{file} holds weights for pixels with mean={source.mean!r}, std={source.std!r}: the model "
        f"keeps its own, {own}"
    )


def describe_fine_tuning(source: Config, target: Config) -> str | None:
    """That the weights come from another attention or activation, as one sentence; None if not."""
    different = {}
    if source.block_attention != target.block_attention:
        different["attention"] = source.attention, target.attention
    if source.activation != target.activation:
        different["activation"] = source.activation, target.activation
    if not different:
        return None
    trained, loaded = _listed(different)
    return (
        f"the weights were trained with {trained} and are loaded for {loaded}: the model has to "
        "be fine-tuned"
    )
