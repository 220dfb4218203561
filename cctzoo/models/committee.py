"""The soft committee: one model that averages the outputs of several."""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.data.view import View
from cctzoo.layers import SoftAverage
from cctzoo.messages import received
from cctzoo.models.committee_checks import check_members, check_output, check_weights, shares_of
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.models.model import CCT
from cctzoo.models.names import check_name
from cctzoo.models.pixel_values import checks_pixels, read_input
from cctzoo.models.size import check_committee_size
from cctzoo.models.variants import config_from_fields
from cctzoo.models.vocabulary import Vocabulary, vocabulary_of
from cctzoo.plain_values import plain
from cctzoo.typing import PathLike


@checked_arguments
def soft_committee(
    members: Iterable[CCT],
    average: str = "probabilities",
    weights: Iterable[float] | None = None,
    classifier_activation: str | None = "softmax",
    name: str = "soft_committee",
) -> "SoftCommittee":
    """One model that averages the outputs of several.

    The committee holds copies of the members, which end on logits; the given models do not
    change and share no weights with the committee. `committee.get_layer(name)` returns a
    member by its name; repeated names get a number.

    Args:
        members: `CCT` models with a classifier, for the same classes and the same input. They
            may differ in architecture and precision, and end on softmax or on logits.
        average: `"probabilities"`, or `"logits"` to apply softmax to the mean logits.
        weights: one non-negative number per member, scaled to sum to 1. Default: equal
            weights.
        classifier_activation: `"softmax"`, or None for logits: the mean logits, or the
            logarithm of the mean probabilities.
        name: name of the committee.

    Returns:
        A `SoftCommittee`, from the members' input to (B, classes) in float32.

    Raises:
        ValueError: for members that cannot be averaged, or a wrong argument.

    Example:

    ```python
    import numpy as np
    from cctzoo import models

    members = [models.cct_2_3x2_32(heads=2), models.cct_2_3x2_32(heads=32)]
    committee = models.soft_committee(members, weights=[1, 2])
    probabilities = committee.predict(np.random.randint(0, 256, (3, 32, 32, 3)))  # (3, 10)
    ```

    Reference: Gross et al., arXiv 2506.23832. The abstract does not say what the paper
        averages; the default is our choice.
    """
    members = list(members) if isinstance(members, Iterable) else members
    check_members(members)
    check_output(average, classifier_activation)
    shares = shares_of(weights, len(members))
    names = _distinct([member.name for member in members])
    copies = [_copy(member, own) for member, own in zip(members, names, strict=True)]
    return SoftCommittee(copies, average, shares, classifier_activation, name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommitteeConfig:
    """The architecture of a committee; its input is the input of its members."""

    members: tuple[EncoderConfig, ...]
    average: str
    weights: tuple[float, ...]
    classifier_activation: str | None
    include_top: ClassVar[bool] = True

    @property
    def kind(self) -> str:
        """`"images"` or `"texts"`."""
        return self.members[0].kind

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(height, width, channels), or (length,) for text models."""
        return self.members[0].input_shape

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.members[0].classes

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes, of the first member that has them."""
        return next((each.class_names for each in self.members if each.class_names), None)

    @property
    def vocabulary(self) -> tuple[str, ...] | None:
        """The words of text models; None for image models."""
        return getattr(self.members[0], "vocabulary", None)

    @property
    def include_preprocessing(self) -> bool:
        """Whether the image models normalise their input."""
        return self.members[0].include_preprocessing

    @property
    def mean(self) -> float | Sequence[float] | None:
        """Mean of the pixels; None if each member normalises with another mean."""
        return self._common("mean")

    @property
    def std(self) -> float | Sequence[float] | None:
        """Standard deviation of the pixels; None if the members differ."""
        return self._common("std")

    @property
    def view(self) -> View | None:
        """How image files become the input; None unless all members have the same view."""
        views = {getattr(member, "view", None) for member in self.members}
        return views.pop() if len(views) == 1 else None

    def _common(self, field):
        first, *others = (getattr(member, field) for member in self.members)
        # `check_members` ensures that members which take normalised pixels agree.
        differ = self.include_preprocessing and any(other != first for other in others)
        return None if differ else first


@keras.saving.register_keras_serializable(package="cctzoo")
@checks_pixels
class SoftCommittee(keras.Model):
    """The model that `soft_committee` returns; `members` is the tuple of its members.

    Args:
        members: models that end on logits, with different names; not copied.
        average: as in `soft_committee`.
        weights: floats that sum to 1.
        classifier_activation, name: as in `soft_committee`.

    Shapes: images (B, height, width, channels) or token ids (B, length) -> (B, classes).
    """

    config: CommitteeConfig
    members: tuple[CCT, ...]

    def __init__(
        self,
        members: Sequence[CCT],
        average: str,
        weights: Sequence[float],
        classifier_activation: str | None,
        name: str,
    ) -> None:
        check_name(name)
        weights = plain("weights", weights)
        check_weights(weights, len(members))
        check_output(average, classifier_activation)
        (image,) = members[0].inputs
        inputs = keras.Input(image.shape[1:], dtype=image.dtype, name=image.name)
        logits = [member(inputs) for member in members]
        outputs = SoftAverage(weights, average, classifier_activation, name="average")(logits)
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        self.members = tuple(members)
        self.config = CommitteeConfig(
            members=tuple(member.config for member in members),
            average=average,
            weights=weights,
            classifier_activation=classifier_activation,
        )
        # Keras decides by the model's policy whether to scale the loss: a float16 member needs it.
        policies = [member.dtype_policy for member in members]
        self.dtype_policy = max(policies, key=lambda policy: policy.name == "mixed_float16")

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """Turns texts into token ids, as `CCT.vocabulary` does."""
        return vocabulary_of(self.config)

    def read_images(self, images: PathLike | Sequence[PathLike]) -> np.ndarray:
        """Reads image files as the committee's input, as `CCT.read_images` does.

        Raises:
            ValueError: if an image cannot be decoded, or the members have no view, or not the
                same one.
            OSError: if a file cannot be read.
        """
        return read_input(self.config, images)

    def get_config(self) -> dict[str, Any]:
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
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SoftCommittee":
        options = dict(config)
        trainable = options.pop("trainable", True)
        configs = (config_from_fields(member["config"]) for _, member in config["members"])
        check_committee_size(configs)
        options["members"] = [
            _build(_member_class(kind), member) for kind, member in config["members"]
        ]
        committee = cls(**options)
        if not trainable:  # True would unfreeze frozen members
            committee.trainable = False
        return committee


def _copy(member, name):
    """A copy of a member with another name, its own weights and logits as output."""
    config = {**member.get_config(), "name": name}
    config["config"] = {**config["config"], "classifier_activation": None}
    copy = _build(type(member), config)
    copy.set_weights(member.get_weights())
    return copy


def _member_class(name):
    """The registered class of a member; any other class could be in a file from elsewhere."""
    found = keras.saving.get_registered_object(name) if isinstance(name, str) else None
    if not (isinstance(found, type) and issubclass(found, CCT)):
        raise ValueError(
            f"A member must be of the registered class of a `CCT`. {received(registered_name=name)}"
        )
    return found


def _build(kind, config):
    """A member from its config, with its name at the start of each variable's path."""
    with keras.name_scope(config["name"]):
        return kind.from_config(config)


def _distinct(names):
    """The names, with a number added to repeated names and to names of the committee's layers."""
    found, taken = ["image", "average"], {"image", "average", *names}
    for name in names:
        if name in found:
            numbered = (f"{name}_{i}" for i in itertools.count(2))
            name = next(free for free in numbered if free not in taken)
            taken.add(name)
        found.append(name)
    return found[2:]
