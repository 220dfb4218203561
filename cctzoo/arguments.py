"""Checks of the names and types of arguments, by the signature of a function."""

import contextlib
import functools
import inspect
import os
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from cctzoo.keywords import check_keywords
from cctzoo.messages import received
from cctzoo.plain_values import KINDS, NOT_SEQUENCES, is_integer, plain

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)

LONGEST_PATH = 4096  # of Linux; other systems allow less
WORDS = {
    int: "an integer",
    np.ndarray: "an array",
    float: "a number",
    bool: "True or False",
    str: "a str",
    os.PathLike: "a path",
    types.NoneType: "None",
    **dict.fromkeys((Sequence, Iterable, tuple, list), "a sequence"),
    Mapping: "a mapping",
    dict: "a dict",
}


def checked_arguments(function: Callable[P, T]) -> Callable[P, T]:
    """Decorates a function so that an argument of an unknown name or a wrong type is refused.

    The annotations decide. Numbers of NumPy become Python's. An annotation with `Any` or a
    `Literal` is not checked, nor are the elements of sequences and arrays.

    Raises:
        TypeError: from the decorated function, for an unknown keyword, with similar known ones.
        ValueError: from the decorated function, for a value of a wrong type, with the argument's
            name and the received value.
    """
    signature = inspect.signature(function)
    hints = functools.cache(lambda: _hints(function))  # at the first call: classes may come later

    kinds = [parameter.kind for parameter in signature.parameters.values()]
    takes_any = inspect.Parameter.VAR_KEYWORD in kinds

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        if not takes_any:
            # Python 3.11 and 3.12 suggest no similar keyword.
            check_keywords(function.__name__, kwargs, signature.parameters)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # Python's own message names the argument
        for name, types_of_name in hints().items():
            if name in bound.arguments:
                bound.arguments[name] = _checked(name, bound.arguments[name], types_of_name)
        return function(*bound.args, **bound.kwargs)

    checked.__signature__ = signature  # Keras reads a constructor's without following wrappers
    return checked


def checked_layer(layer: C) -> C:
    """Decorates a Keras layer so that its constructor is a `checked_arguments` function.

    Keras writes the `get_config` of a layer from the arguments that `__new__` receives, and only
    if all are plain.
    """
    construct, initialise = layer.__new__, checked_arguments(layer.__init__)

    def __new__(cls, *args, **kwargs):
        args, kwargs = _plain_arguments(args, kwargs)
        return construct(cls, *args, **kwargs)

    @functools.wraps(initialise)
    def __init__(self, *args, **kwargs):
        args, kwargs = _plain_arguments(args, kwargs)
        initialise(self, *args, **kwargs)

    layer.__new__, layer.__init__ = __new__, __init__
    return layer


def _plain_arguments(args, kwargs):
    named = {k: v if k == "dtype" else plain(k, v) for k, v in kwargs.items()}
    return [plain(f"argument {i}", value) for i, value in enumerate(args, start=1)], named


def _hints(function):
    """The types of each argument that can be checked, by name."""
    hints = typing.get_type_hints(function)
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    found = {
        name: _members(hints[name])
        for name, parameter in inspect.signature(function).parameters.items()
        if name in hints and parameter.kind not in several
    }
    return {name: kinds for name, kinds in found.items() if kinds is not None}


def _members(hint):
    """The types of a union; None if one of them cannot be checked."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        found = [_members(each) for each in typing.get_args(hint)]
        return None if None in found else tuple(each for types in found for each in types)
    hint = typing.get_origin(hint) or hint
    return (hint,) if isinstance(hint, type) and hint is not Any else None


def _checked(name, value, kinds):
    if np.ndarray in kinds:
        value = _array(value)
    elif isinstance(value, np.generic | np.ndarray):
        value = plain(name, value)
    if not any(_is_a(value, kind) for kind in kinds):
        wanted = " or ".join(dict.fromkeys(WORDS.get(kind, f"a {kind.__name__}") for kind in kinds))
        raise ValueError(f"`{name}` must be {wanted}. {received(**{name: value})}")
    if os.PathLike in kinds and isinstance(value, str) and not _is_path(value):
        raise ValueError(
            f"`{name}` must be a path: at most {LONGEST_PATH} bytes that the file system can "
            f"encode, without NUL. {received(**{name: value})}"
        )
    return value


def _is_path(text):
    try:
        return "\0" not in text and len(os.fsencode(text)) <= LONGEST_PATH
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _array(value):
    """A sequence of numbers or texts as an array; another value as it is."""
    if isinstance(value, Sequence) and not isinstance(value, NOT_SEQUENCES):
        with contextlib.suppress(ValueError, OverflowError):  # rows of different lengths
            array = np.asarray(value)
            if array.dtype.kind in KINDS:
                return array.astype(object) if array.dtype.kind == "U" else array
    return value


def check_batch_size(batch_size: int) -> None:
    """Raises ValueError unless a number of samples per batch is positive and has 32 bits."""
    if not 1 <= batch_size < 2**31:
        raise ValueError(
            f"`batch_size` must be from 1 to 2**31 - 1. {received(batch_size=batch_size)}"
        )


def _is_a(value, kind):
    if kind is int:
        return is_integer(value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind in (Sequence, Iterable, tuple, list):
        scalar = getattr(value, "shape", None) == ()  # such an array has `__iter__`, which raises
        return isinstance(value, Iterable) and not isinstance(value, NOT_SEQUENCES) and not scalar
    if kind is np.ndarray:  # or a tensor
        return len(getattr(value, "shape", ())) > 0
    return isinstance(value, kind)
