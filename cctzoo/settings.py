"""Dataclass fields that carry a help text, which the command line shows."""

import dataclasses
from typing import TypeVar

T = TypeVar("T")


def setting(default: T, help_text: str) -> T:
    """A dataclass field with a default and a help text."""
    return dataclasses.field(default=default, metadata={"help": help_text})


def option(choices: tuple[str, ...], help_text: str) -> str:
    """A field of a model's config that chooses between the authors' design and another one.

    Everything that depends on such fields finds them by `options`: `choices` are checked, weights
    are only loaded into a model with the same value, the authors' layout of weights is refused
    for other values than the default, and the training recipes have a flag.

    Args:
        choices: all values. The first one, the authors' design, is the default.
        help_text: as in `setting`.
    """
    return dataclasses.field(default=choices[0], metadata={"help": help_text, "choices": choices})


def options(kind: type) -> dict[str, tuple[str, ...]]:
    """The choices of each field that `option` declares, by name; the first is the default."""
    return {
        field.name: field.metadata["choices"]
        for field in dataclasses.fields(kind)
        if "choices" in field.metadata
    }


def help_texts(kind: type) -> dict[str, str]:
    """The help text of each field of a dataclass that has one, by name."""
    return {
        field.name: field.metadata["help"]
        for field in dataclasses.fields(kind)
        if "help" in field.metadata
    }
