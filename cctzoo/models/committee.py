"""The soft committee: several models as one, which averages what they say."""

import dataclasses
import itertools
import math
import zlib
from collections.abc import Iterable

import keras
import numpy as np

from cctzoo.layers import SoftAverage
from cctzoo.models.encoder_config import EncoderConfig, is_number
from cctzoo.models.model import CCT
from cctzoo.models.quantised import is_quantised
from cctzoo.models.vocabulary import vocabulary_of

AVERAGES = ("probabilities", "logits")


def soft_committee(
    members,
    average="probabilities",
    weights=None,
    classifier_activation="softmax",
    name="soft_committee",
):
    """One model that averages the answers of several.

    The members are copied with their weights and end on logits in the committee: those handed
    in stay as they are and share nothing with it. `committee.get_layer(name)` is a member by
    its name; a name that comes twice is numbered.

    Args:
        members: `CCT` models of the same classes and input, with their tops. They may differ
            in all else, precision included, and end on softmax or on logits.
        average: `"probabilities"` or `"logits"`, the mean of which goes through softmax.
        weights: one non-negative number for each member, scaled to sum to 1. Default: equal.
        classifier_activation: `"softmax"`, or None for logits: the mean logits, or the
            logarithm of the mean probabilities.
        name: of the model.

    Returns:
        A `SoftCommittee`, from the members' input to (B, classes), in float32.

    Raises:
        ValueError: for members that cannot answer together, or a wrong argument.

    Reference: Gross et al., arXiv 2506.23832; what it averages is not in its abstract, so
        the default is our choice.
    """
    members = list(members) if isinstance(members, Iterable) else members
    _check_members(members)
    for argument, value, allowed in (
        ("average", average, AVERAGES),
        ("classifier_activation", classifier_activation, ("softmax", None)),
    ):
        if value not in allowed:
            raise ValueError(
                f"`{argument}` must be one of {allowed}. Received: {argument}={value!r}"
            )
    weights = _shares(weights, len(members))
    names = _distinct([member.name for member in members])
    copies = [_copy(member, own) for member, own in zip(members, names, strict=True)]
    return SoftCommittee(copies, average, weights, classifier_activation, name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommitteeConfig:
    """What a committee is made of; its input is that of its members."""

    members: tuple[EncoderConfig, ...]
    average: str
    weights: tuple[float, ...]
    classifier_activation: str | None
    include_top = True

    @property
    def kind(self):
        return self.members[0].kind

    @property
    def input_shape(self):
        return self.members[0].input_shape

    @property
    def classes(self):
        return self.members[0].classes

    @property
    def vocabulary(self):
        """The words of members for texts."""
        return getattr(self.members[0], "vocabulary", None)

    @property
    def include_preprocessing(self):
        """Of members for images."""
        return self.members[0].include_preprocessing

    @property
    def mean(self):
        """Of the pixels; None where each member normalises them in its own way."""
        return self._common("mean")

    @property
    def std(self):
        return self._common("std")

    def _common(self, field):
        first, *others = (getattr(member, field) for member in self.members)
        # Members of normalised images agree, be it in two spellings.
        differ = self.include_preprocessing and any(other != first for other in others)
        return None if differ else first


@keras.saving.register_keras_serializable(package="cctzoo")
class SoftCommittee(keras.Model):
    """What `soft_committee` makes: `members`, a tuple, and their average.

    Args:
        members: models that end on logits, with distinct names; used, not copied.
        weights: floats that sum to 1.
        average, classifier_activation, name: as in `soft_committee`.

    Shapes: images (B, height, width, channels) or token ids (B, length) -> (B, classes).
    """

    def __init__(self, members, average, weights, classifier_activation, name):
        (image,) = members[0].inputs
        inputs = keras.Input(image.shape[1:], dtype=image.dtype, name=image.name)
        logits = [member(inputs) for member in members]
        outputs = SoftAverage(weights, average, classifier_activation, name="average")(logits)
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        self.members = tuple(members)
        self.config = CommitteeConfig(
            members=tuple(member.config for member in members),
            average=average,
            weights=tuple(weights),
            classifier_activation=classifier_activation,
        )
        # Keras scales the loss by the policy of the model alone; one member in float16 needs it.
        policies = [member.dtype_policy for member in members]
        self.dtype_policy = max(policies, key=lambda policy: policy.name == "mixed_float16")

    @property
    def vocabulary(self):
        """The `Vocabulary` of members for texts that know their words: texts to ids."""
        return vocabulary_of(self.config)

    def get_config(self):
        return {
            "members": [
                (keras.saving.get_registered_name(type(member)), member.get_config())
                for member in self.members
            ],
            "average": self.config.average,
            "weights": self.config.weights,
            "classifier_activation": self.config.classifier_activation,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        options = dict(config)
        trainable = options.pop("trainable", True)
        options["members"] = [
            _build(keras.saving.get_registered_object(kind), member)
            for kind, member in config["members"]
        ]
        committee = cls(**options)
        if not trainable:  # True would thaw the members that are frozen
            committee.trainable = False
        return committee


def _copy(member, name):
    """A copy of a member under a name, with weights of its own, that ends on logits."""
    config = {**member.get_config(), "name": name}
    config["config"] = {**config["config"], "classifier_activation": None}
    copy = _build(type(member), config)
    copy.set_weights(member.get_weights())
    return copy


def _build(kind, config):
    """A member from its config; its name leads its variables' paths, so that none comes twice."""
    with keras.name_scope(config["name"]):
        return kind.from_config(config)


def _distinct(names):
    """The names, a number added to each that came before or is the committee's own."""
    found, taken = ["image", "average"], {"image", "average", *names}
    for name in names:
        if name in found:
            numbered = (f"{name}_{i}" for i in itertools.count(2))
            name = next(free for free in numbered if free not in taken)
            taken.add(name)
        found.append(name)
    return found[2:]


def _check_members(members):
    listed = isinstance(members, list) and len(members)
    if not listed or not all(isinstance(member, CCT) for member in members):
        raise ValueError(
            "`members` must be a sequence of at least one `CCT`, and of nothing else. "
            f"Received: members={members!r}"
        )
    for member in members:
        if is_quantised(member):
            raise ValueError(
                "A member must not be quantised: quantise the committee, or export it with a "
                f"`precision`. Received: {member.name!r}, quantised"
            )
        if member.config.classifier_activation == "sigmoid":
            raise ValueError(
                "A member must end on softmax or on logits: the average is over classes that "
                f"exclude each other. Received: {member.name!r}, classifier_activation='sigmoid'"
            )
    for word, rule in (
        ("include_top", "must include their tops"),
        ("classes", "must have the same classes"),
        ("input_shape", "must take the same input shape"),
    ):
        values = [getattr(member.config, word) for member in members]
        if len(set(values)) > 1 or values[0] is False:
            raise ValueError(f"Members {rule}. Received: {_by_name(members, word, values)}")
    scales = [_input_scale(member.config) for member in members]
    if len(set(scales)) > 1:
        raise ValueError(
            "Members must take the same values: all pixels 0-255, all pixels normalised by one "
            "mean and std, or ids of the same words. "
            f"Received: {_by_name(members, 'takes', scales)}"
        )


def _by_name(members, word, values):
    pairs = zip(members, values, strict=True)
    return ", ".join(f"{member.name!r} {word}={value}" for member, value in pairs)


def _input_scale(config):
    """What the numbers of an image or a text mean to a model."""
    if config.kind == "texts":
        words = (
            "no" if config.vocabulary is None else zlib.crc32("\n".join(config.vocabulary).encode())
        )
        return f"{config.vocabulary_size} ids, padding {config.padding_id}, vocabulary {words}"
    if config.include_preprocessing:
        return "0-255"
    channels = config.input_shape[-1]
    mean, std = (np.broadcast_to(value, channels).tolist() for value in (config.mean, config.std))
    return f"(value / 255 - {mean}) / {std}"


def _shares(weights, count):
    """The weights as floats that sum to 1."""
    if weights is None:
        return [1 / count] * count
    values = list(weights) if isinstance(weights, Iterable) else []
    good = len(values) == count and all(is_number(value) and value >= 0 for value in values)
    if not good or not 0 < sum(values) < math.inf:
        raise ValueError(
            f"`weights` must be {count} finite numbers, one for each member, none negative and "
            f"not all 0. Received: weights={weights!r}"
        )
    return [float(value / sum(values)) for value in values]
