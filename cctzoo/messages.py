"""Parts of error messages: suggestions for an unknown name, and values of bounded length."""

import difflib
import math
import reprlib
from collections.abc import Iterable
from typing import Any

LONGEST = 200  # characters of a value in a message


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxtuple = self.maxlist = self.maxdict = self.maxset = 20
        self.maxstring = self.maxother = LONGEST

    def repr_int(self, value: int, level: int) -> str:
        if abs(value) < 10**64:
            return repr(value)
        # Python refuses to print more than 4300 digits.
        return f"{'-' if value < 0 else ''}10**{round(value.bit_length() * math.log10(2))} or so"


_SHORT = _Short()


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Returns ` Did you mean: a, b?` with similar names, or an empty string without any."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=cutoff)
    return f" Did you mean: {', '.join(near)}?" if near else ""


def shown(value: Any) -> str:
    """The `repr` of a value, shortened: a message must not grow with what was received.

    An integer of more than 64 digits becomes its order of magnitude.
    """
    text = _SHORT.repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def received(**values: Any) -> str:
    """`Received: name=value, ...` with each value as `shown`."""
    return "Received: " + ", ".join(f"{name}={shown(value)}" for name, value in values.items())


def printable(text: str) -> str:
    """A text from a file for a message: characters that control a terminal are escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
