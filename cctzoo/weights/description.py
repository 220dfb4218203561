"""The architecture of a model as JSON, and the model of such a description."""

import contextlib
import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import keras

from cctzoo.models.committee import SoftCommittee
from cctzoo.models.model import CCT
from cctzoo.models.quantised import is_quantised
from cctzoo.models.size import check_committee_size, least_weights
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
        description = json.loads(text)
    except RecursionError as error:
        raise ValueError("A description must not be nested deeply. Received: JSON") from error
    if not isinstance(description, dict):
        raise ValueError(f"A description must be a JSON object. Received: {text[:50]!r}")
    return description


def check_description(description: dict[str, Any], elements: int) -> list[Config]:
    """Checks a description from an untrusted file, before anything is built from it.

    Args:
        description: see `describe_model`.
        elements: how many numbers the weights file holds. A description of a larger model is
            refused.

    Returns:
        The config of the `CCT`, or the configs of a committee's members.

    Raises:
        ValueError: if the description is invalid, or does not match the weights file.
    """
    with _complete():
        if description["kind"] not in ("cct", "soft_committee"):
            raise ValueError(
                'The `kind` in a description must be "cct" or "soft_committee". '
                f"Received: kind={str(description['kind'])[:50]!r}"
            )
        members = [description] if description["kind"] == "cct" else description["members"]
        if not all("name" in each for each in (description, *members)):
            raise ValueError("A description must have the `name` of each model. Received: none")
        configs = [config_of(member) for member in members]
        check_committee_size(configs)
        smallest = sum(map(least_weights, configs))
        if smallest > elements:
            raise ValueError(
                f"The description does not match the weights file, which holds {elements} numbers. "
                f"Received: a model of at least {smallest} weights"
            )
        return configs


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
            return CCT(configs[0], name=str(description["name"]), dtype=dtype)
        members = []
        for member, config in zip(description["members"], configs, strict=True):
            name = str(member["name"])
            with keras.name_scope(name):  # the paths of a member's variables start with its name
                members.append(CCT(config, name=name, dtype=dtype))
        return SoftCommittee(
            members,
            average=description["average"],
            weights=[float(weight) for weight in description["weights"]],
            classifier_activation=description["classifier_activation"],
            name=str(description["name"]),
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
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"A description must be complete. Received: {error!r}") from error
