"""Errors for mistyped keywords, under the name of the function that was called."""

from collections.abc import Iterable, Mapping
from typing import Any

from cctzoo.messages import did_you_mean, shown


def check_keywords(function: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raises TypeError if a keyword is unknown, with similar known ones.

    Args:
        function: name of the function, for the message.
        given: the keywords of a call.
        known: the keywords that the function takes.
    """
    known = list(known)
    for name, value in given.items():
        if name not in known:
            raise TypeError(
                f"`{function}` has no keyword `{name}`.{did_you_mean(name, known)} "
                f"Received: {name}={shown(value)}"
            )
