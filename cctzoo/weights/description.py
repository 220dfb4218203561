"""The architecture of a model as JSON, and the model of such a description."""

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from cctzoo import limits
from cctzoo.formats.reading import parse_object
from cctzoo.messages import printable, received
from cctzoo.models.committee import SoftCommittee
from cctzoo.models.committee_checks import check_committee_fields
from cctzoo.models.model import CCT
from cctzoo.models.names import check_name
from cctzoo.models.quantised import is_quantised
from cctzoo.models.size import least_weights
from cctzoo.models.variants import Config, config_from_fields


def describe_model(model: CCT | SoftCommittee) -> dict[str, Any]:
    """The architecture of a model as a dict of plain values.

    Raises:
        ValueError: if the model is of another class or quantised.
    """
    if not isinstance(model, CCT | SoftCommittee):
        raise ValueError(
            "`model` must be a `CCT` or a `SoftCommittee`. "
            f"Received: model={model!r}, a {type(model).__name__}"
        )
    if is_quantised(model):
        raise ValueError(
            "A quantised model has no floating-point weights: save the model before quantising "
            f"it, or as `.keras`. Received: the quantised model {model.name!r}"
        )
    if isinstance(model, CCT):
        return {"kind": "cct", "name": model.name, "config": dataclasses.asdict(model.config)}
    return {
        "kind": "soft_committee",
        "name": model.name,
        "members": [describe_model(member) for member in model.members],
        "average": model.config.average,
        "weights": list(model.config.weights),
        "classifier_activation": model.config.classifier_activation,
    }


def parse_description(text: str) -> dict[str, Any]:
    """The description in a JSON text; raises ValueError if it is not a JSON object."""
    try:
        return parse_object(text)
    except ValueError as error:
        raise ValueError(f"A description must be a JSON object. Received: {error}") from error


def check_description(description: dict[str, Any], arrays: int, numbers: int) -> list[Config]:
    """Checks a description from an untrusted file, before anything is built from it.

    Args:
        description: see `describe_model`.
        arrays: how many arrays the weights file holds.
        numbers: how many numbers they hold. A description of a larger model is refused.

    Returns:
        The config of the `CCT`, or the configs of a committee's members.

    Raises:
        ValueError: if the description is invalid, or does not match the weights file.
    """
    with _complete():
        if description["kind"] not in ("cct", "soft_committee"):
            raise ValueError(
                'The `kind` in a description must be "cct" or "soft_committee". '
                f"{received(kind=description['kind'])}"
            )
        members = [description] if description["kind"] == "cct" else description["members"]
        check_members_count(members)
        for each in (description, *members):
            check_name(each["name"])
        configs = [config_of(member) for member in members]
        if description["kind"] != "cct":
            check_committee_fields(description, [member["name"] for member in members], configs)
        check_sizes(configs, arrays, numbers)
        return configs


def check_members_count(members: Sequence[Any]) -> None:
    """Raises ValueError if a committee has more members than the limit `layers`."""
    limits.check("layers", len(members), "The number of members", members=len(members))


def check_sizes(configs: Sequence[Config], arrays: int, numbers: int) -> None:
    """Checks that a model is not larger than the file of its weights, before it is built.

    Args:
        configs: of the `CCT`, or of the members of a committee.
        arrays: how many arrays the file holds.
        numbers: how many numbers they hold.

    Raises:
        ValueError: if the model has more weights or layers.
    """
    layers = sum(config.depth + getattr(config, "conv_layers", 0) for config in configs)
    smallest = sum(map(least_weights, configs))
    if smallest > numbers or layers > arrays:
        raise ValueError(
            f"The description does not match the weights file, which holds {arrays} arrays with "
            f"{numbers} numbers. Received: a model of at least {smallest} weights and {layers} "
            "layers"
        )


def build_described(
    description: dict[str, Any], configs: Sequence[Config], dtype: str | None = None
) -> CCT | SoftCommittee:
    """Builds the model of a checked description, with fresh weights.

    Args:
        description: see `describe_model`.
        configs: the result of `check_description`.
        dtype: policy of the layers. Default: Keras' global policy.

    Raises:
        ValueError: if the description is invalid.
    """
    with _complete():
        if description["kind"] == "cct":
            return CCT(configs[0], name=description["name"], dtype=dtype)
        members = []
        for member, config in zip(description["members"], configs, strict=True):
            name = member["name"]
            with keras.name_scope(name):  # the paths of a member's variables start with its name
                members.append(CCT(config, name=name, dtype=dtype))
        return SoftCommittee(
            members,
            average=description["average"],
            weights=[float(weight) for weight in description["weights"]],
            classifier_activation=description["classifier_activation"],
            name=description["name"],
        )


def config_of(description: dict[str, Any]) -> Config:
    """The config in the description of a `CCT`; raises ValueError if it is invalid."""
    with _complete():
        return config_from_fields(description["config"])


@contextlib.contextmanager
def _complete():
    """Turns errors about missing keys and wrong types into a ValueError."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        reason = printable(repr(error))[:300]
        raise ValueError(f"A description must be complete. Received: {reason}") from error
