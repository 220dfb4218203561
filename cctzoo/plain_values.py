"""Plain values: the numbers of NumPy as Python's own, which JSON and Keras take, and their checks.

`classes=labels.max() + 1` and `mean=images.mean()` are numbers of NumPy. Without this conversion
they would fail in Keras under another argument's name, or only when a trained model is saved.
"""

import dataclasses
from collections.abc import Sequence
from numbers import Integral, Number, Real
from typing import Any

import numpy as np

from cctzoo import limits
from cctzoo.messages import received

DEEPEST = 8  # of nested sequences and dicts; no argument needs more than three
ATOMS = {bool, int, float, str, type(None)}
# NumPy's kinds of dtypes: booleans, integers, floating-point numbers, texts.
KINDS = "biufU"
NOT_SEQUENCES = (str, bytes, bytearray, memoryview)


def plain(name: str, value: Any) -> Any:
    """The value with numbers and strings of Python alone, and with tuples for its sequences.

    Numbers of NumPy become int, float or bool, arrays of one dimension and lists become tuples.
    This holds within tuples and dicts, too. All other objects stay as they are; a check of the
    argument then refuses them.

    Args:
        name: name of the argument, for error messages.
        value: the value.

    Raises:
        ValueError: if a sequence is longer than the limit `labels`, or the value is nested too
            deeply.
    """
    return _plain(name, value, DEEPEST)


def make_plain(instance: Any) -> None:
    """Makes the fields of a dataclass `plain`; call it at the start of `__post_init__`."""
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        if type(value) not in ATOMS:
            object.__setattr__(instance, field.name, plain(field.name, value))


def is_integer(value: Any) -> bool:
    """Whether a plain value is an integer, and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Whether a plain value is a positive integer."""
    return is_integer(value) and value >= 1


def is_number(value: Any) -> bool:
    """Whether a plain value is a real number that a float can hold, and not a bool."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return float("-inf") < float(value) < float("inf")
    except OverflowError:
        return False


def check_types(
    instance: Any,
    *,
    integers: Sequence[str] = (),
    numbers: Sequence[str] = (),
    booleans: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> None:
    """Raises ValueError if a field of a dataclass with plain fields has a wrong type.

    Args:
        instance: the dataclass.
        integers, numbers, booleans: names of the fields of each type. An integer must have 64
            bits, a number must be finite.
        optional: names of the fields that may be None.
    """
    for names, holds, kind in (
        (integers, lambda value: is_integer(value) and abs(value) < 2**63, "an integer"),
        (numbers, is_number, "a finite number"),
        (booleans, lambda value: isinstance(value, bool), "True or False"),
    ):
        for name in names:
            value = getattr(instance, name)
            if not holds(value) and not (value is None and name in optional):
                also = " or None" if name in optional else ""
                raise ValueError(f"`{name}` must be {kind}{also}. {received(**{name: value})}")


def is_one_of(value: Any, choices: Sequence[str | None]) -> bool:
    """Whether a value of any type is one of the choices."""
    return (value is None or isinstance(value, str)) and value in choices


def _plain(name, value, depth):
    if type(value) in ATOMS:
        return value
    if isinstance(value, np.ndarray):
        if value.ndim > 1 or value.dtype.kind not in KINDS:
            return value
        _check_length(name, value.size)
        if value.dtype == np.longdouble:  # its `tolist` has no float of Python
            value = value.astype("float64")
        return tuple(value.tolist()) if value.ndim else value.item()
    if isinstance(value, np.generic):
        return _python_scalar(value) if value.dtype.kind in KINDS else value
    if isinstance(value, Number | str):
        return _python_scalar(value)
    if isinstance(value, dict):
        return {
            _plain(name, key, depth): _plain(name, each, _inner(name, depth))
            for key, each in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, NOT_SEQUENCES):
        _check_length(name, len(value))
        if set(map(type, value)) <= ATOMS:  # fast: a vocabulary has many words
            return tuple(value)
        inner = _inner(name, depth)
        return tuple(_plain(name, each, inner) for each in value)
    return value


def _check_length(name, length):
    limits.check("labels", length, f"The length of `{name}`", **{f"len({name})": length})


def _python_scalar(value):
    """A number or string of any class as bool, int, float or str; another one stays as it is."""
    try:
        if isinstance(value, np.bool_):
            return bool(value)
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real):
            return float(value)
    except OverflowError:  # a fraction larger than any float
        pass
    return value


def _inner(name, depth):
    if depth == 0:
        raise ValueError(
            f"`{name}` must not be nested more than {DEEPEST} times. "
            f"{received(**{name: 'a deeper one'})}"
        )
    return depth - 1
