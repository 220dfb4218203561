"""Command-line flags of the fields of a dataclass."""

import argparse
import functools
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from cctzoo.settings import help_texts


def flag(name: str) -> str:
    """Returns the command-line flag of a field."""
    return f"--{name.replace('_', '-')}"


def add_field_arguments(
    group: argparse._ArgumentGroup,
    kind: type,
    names: Sequence[str],
    values: Mapping[str, Any] | None = None,
) -> None:
    """Adds a flag for each named field of a dataclass; flags that are not given stay absent.

    Args:
        group: the group of the flags.
        kind: the dataclass.
        names: of its fields.
        values: values without the flags, which the help shows; the defaults of the dataclass
            for fields that are not in them. Default: no values are shown.
    """
    hints, texts = typing.get_type_hints(kind), help_texts(kind)
    for name in names:
        text = texts[name]
        if values is not None and not (text.endswith(")") and "(" in text):
            text += _shown_value(values.get(name, getattr(kind, name, None)))
        group.add_argument(
            flag(name), help=text, default=argparse.SUPPRESS, **_type_options(hints[name])
        )


def _shown_value(value: Any) -> str:
    """A value in brackets, as it would be written after the flag; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return " (on)" if value else " (off)"
    if isinstance(value, tuple):
        return f" ({' '.join(map(str, value))})"
    return f" ({value})"


def _type_options(hint: Any) -> dict[str, Any]:
    """Returns keywords of `add_argument` for a field's type; "none" sets a field to None."""
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if not isinstance(hint, types.UnionType):
        return {"type": hint, "metavar": hint.__name__.upper()}
    kinds = [each for each in typing.get_args(hint) if each is not type(None)]
    kind = kinds[0]
    if pair := next((each for each in kinds if typing.get_origin(each) is tuple), None):
        number = typing.get_args(pair)[0]
        action = functools.partial(_Numbers, kind=number, single=number in kinds)
        return {"action": action, "nargs": "+", "metavar": number.__name__.upper()}

    def convert(text):
        return None if text == "none" else kind(text)

    convert.__name__ = kind.__name__  # shown in the messages of argparse
    return {"type": convert, "metavar": f"{kind.__name__.upper()}|none"}


class _Numbers(argparse.Action):
    """Stores a tuple of numbers, one number if `single` allows it, or None for the word none."""

    def __init__(self, *arguments, kind, single, **keywords):
        super().__init__(*arguments, **keywords)
        self.kind, self.single = kind, single

    def __call__(self, parser, namespace, values, option_string=None):
        try:
            numbers = None if values == ["none"] else tuple(map(self.kind, values))
        except ValueError:
            kind = self.kind.__name__
            rule = f"must be numbers of type {kind}, or none; put other arguments before this flag"
            raise argparse.ArgumentError(self, f"{rule}. Received: {' '.join(values)!r}") from None
        if self.single and numbers and len(numbers) == 1:
            (numbers,) = numbers
        setattr(namespace, self.dest, numbers)
