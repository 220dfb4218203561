"""Dataclass fields that carry a help text, which the command line shows."""

import dataclasses
from typing import TypeVar

T = TypeVar("T")


def setting(default: T, help_text: str) -> T:
    """A dataclass field with a default and a help text."""
    return dataclasses.field(default=default, metadata={"help": help_text})


def help_texts(kind: type) -> dict[str, str]:
    """The help text of each field of a dataclass that has one, by name."""
    return {
        field.name: field.metadata["help"]
        for field in dataclasses.fields(kind)
        if "help" in field.metadata
    }
