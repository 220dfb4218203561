"""Checks of the arguments of `soft_committee`."""

import itertools
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cctzoo.messages import received, shown
from cctzoo.models.decisions import decision_kind
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.models.model import CCT
from cctzoo.models.quantised import is_quantised
from cctzoo.models.size import check_committee_size
from cctzoo.plain_values import is_number, is_one_of, plain

AVERAGES = ("probabilities", "logits")
TOLERANCE = 1e-3  # of the sum of the weights in a file


def check_members(members: Any) -> None:
    """Raises ValueError unless `members` is a list of models that a committee can average."""
    listed = isinstance(members, list) and len(members)
    if not listed or not all(isinstance(member, CCT) for member in members):
        raise ValueError(
            "`members` must be a sequence of at least one `CCT`, without other objects. "
            f"{received(members=members)}"
        )
    check_committee_size(member.config for member in members)
    for member in members:
        if is_quantised(member):
            raise ValueError(
                "A member must not be quantised: quantise the committee instead, or export it with "
                f"a `precision`. Received: {member.name!r}, quantised"
            )
    check_configs([member.name for member in members], [member.config for member in members])


def check_configs(names: Sequence[str], configs: Sequence[EncoderConfig]) -> None:
    """Raises ValueError unless models of these names and configs can be averaged."""
    for name, config in zip(names, configs, strict=True):
        if decision_kind(config) == "threshold":
            raise ValueError(
                "A member must end on softmax or on logits of several classes, as the classes of "
                f"a committee exclude each other. Received: {name!r}, "
                f"classifier_activation={config.classifier_activation!r}, "
                f"classes={config.classes}"
            )
    for field, rule in (
        ("include_top", "must have a classifier"),
        ("classes", "must have the same number of classes"),
        ("input_shape", "must have the same input shape"),
    ):
        values = [getattr(config, field) for config in configs]
        if len(set(values)) > 1 or values[0] is False:
            raise ValueError(f"Members {rule}. Received: {_by_name(names, field, values)}")
    named = {config.class_names for config in configs} - {None}
    if len(named) > 1:
        raise ValueError(
            "Members must have the same classes in the same order. "
            f"Received: {' and '.join(shown(names) for names in sorted(named))}"
        )
    scales = [_input_scale(config) for config in configs]
    if len(set(scales)) > 1:
        raise ValueError(
            "Members must take the same input: pixels 0-255, pixels normalised by the same mean "
            "and std, or ids of the same words. "
            f"Received: {_by_name(names, 'takes', scales)}"
        )


def check_committee_fields(
    fields: Mapping[str, Any], names: Sequence[str], configs: Sequence[EncoderConfig]
) -> None:
    """Checks a committee that a file describes, before its members are built.

    Args:
        fields: `average`, `weights` and `classifier_activation`, as `SoftCommittee` takes them.
        names: of the members.
        configs: of the members.

    Raises:
        ValueError: if such a committee cannot be built.
        KeyError: if a field is missing.
    """
    if not configs or len(set(names)) < len(names):
        raise ValueError(
            "A committee must have at least one member, and members of different names. "
            f"{received(names=names)}"
        )
    check_committee_size(configs)
    check_configs(names, configs)
    check_output(fields["average"], fields["classifier_activation"])
    weights = plain("weights", fields["weights"])
    check_weights(weights, len(names))
    if abs(sum(weights) - 1) > TOLERANCE:
        raise ValueError(f"The `weights` in a file must sum to 1. {received(weights=weights)}")


def check_output(average: Any, classifier_activation: Any) -> None:
    """Raises ValueError unless both arguments are among the choices of `soft_committee`."""
    for argument, value, allowed in (
        ("average", average, AVERAGES),
        ("classifier_activation", classifier_activation, ("softmax", None)),
    ):
        if not is_one_of(value, allowed):
            raise ValueError(
                f"`{argument}` must be one of {allowed}. {received(**{argument: value})}"
            )


def _by_name(names, field, values):
    pairs = zip(names, values, strict=True)
    return ", ".join(f"{name!r} {field}={value}" for name, value in pairs)


def _input_scale(config):
    """What the input numbers mean to a model, as a text that can be compared."""
    if config.kind == "texts":
        words = config.vocabulary
        checksum = "none" if words is None else zlib.crc32("\n".join(words).encode())
        return f"{config.vocabulary_size} ids, padding {config.padding_id}, vocabulary {checksum}"
    if config.include_preprocessing:
        return "0-255"
    channels = config.input_shape[-1]
    mean, std = (np.broadcast_to(value, channels).tolist() for value in (config.mean, config.std))
    return f"(value / 255 - {mean}) / {std}"


def shares_of(weights: Iterable[float] | None, count: int) -> list[float]:
    """The weights of `count` members as floats that sum to 1.

    Raises:
        ValueError: unless `weights` is None or `count` non-negative numbers, not all 0.
    """
    if weights is None:
        return [1 / count] * count
    if isinstance(weights, Iterator):
        weights = list(itertools.islice(weights, count + 1))
    values = plain("weights", weights)
    check_weights(values, count)
    return [float(value / sum(values)) for value in values]


def check_weights(weights: Any, count: int) -> None:
    """Raises ValueError unless `weights` is a tuple of `count` weights of an average."""
    numbers = isinstance(weights, tuple) and all(map(is_number, weights))
    if not numbers or len(weights) != count or min(weights) < 0 or not 0 < sum(weights) < math.inf:
        raise ValueError(
            f"`weights` must be {count} finite numbers, one per member: none negative, not all 0. "
            f"{received(weights=weights)}"
        )
