"""Errors for mistyped keywords, under the name of the function that was called."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

from cctzoo.messages import did_you_mean

P = ParamSpec("P")
T = TypeVar("T")


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
                f"Received: {name}={value!r}"
            )


def named_keywords(function: Callable[P, T]) -> Callable[P, T]:
    """Decorates a function so that an unknown keyword raises the error of `check_keywords`.

    Python 3.11 and 3.12 suggest no similar keyword.
    """
    known = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        check_keywords(function.__name__, kwargs, known)
        return function(*args, **kwargs)

    return checked
