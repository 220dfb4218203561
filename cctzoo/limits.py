"""Limits: how large models, data and files may be. They are checked before memory is allocated.

A wrong number in a config, a recipe or a file from elsewhere would otherwise take all memory, or
hours. All limits are far above what the models of the zoo need. To go beyond one on purpose, raise
it in Python by `raised`, or for a command by the environment variable `CCTZOO_LIMITS`.

Example:
    ```python
    from cctzoo import limits

    with limits.raised(layers=2000, json_bytes=2**26):
        print(limits.current().layers)
    ```
"""

import contextlib
import contextvars
import dataclasses
import functools
import math
import os
from collections.abc import Iterator
from typing import Any

from cctzoo.messages import did_you_mean, received

__all__ = ["Limits", "current", "raised"]

VARIABLE = "CCTZOO_LIMITS"  # e.g. "layers=2000,weights=4294967296"
HARMLESS = 2**24  # bytes that any file may unpack to: 10,000 black images are packed 1000 times


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """The largest sizes that are accepted.

    Args:
        layers: blocks of a model, convolutions of a tokenizer, members of a committee, and
            operations of an augmentation.
        weights: weights of a model.
        positions: numbers in the input of one sample, and in its tokens (T * D).
        labels: classes of a data set, entries of a vocabulary, and values of a sequence.
        points: points of a search space.
        json_bytes: size of a JSON file, or of the metadata in a file of weights.
        array_bytes: size of all arrays in a file, unpacked, and of a batch of samples.
        unpacking: how many times larger than the file its unpacked content may be.
    """

    layers: int = 1000
    weights: int = 2**30
    positions: int = 2**26
    labels: int = 2**22
    points: int = 2**17
    json_bytes: int = 2**24
    array_bytes: int = 2**34
    unpacking: int = 100


NAMES = [field.name for field in dataclasses.fields(Limits)]


def current() -> Limits:
    """Returns the limits in force.

    Raises:
        ValueError: if the environment variable `CCTZOO_LIMITS` cannot be understood.
    """
    return _limits(os.environ.get(VARIABLE, ""))


@contextlib.contextmanager
def raised(**limits: int) -> Iterator[None]:
    """Sets other limits for the block, for this process and the processes that it starts.

    Args:
        limits: fields of `Limits`. The other limits stay as they are.

    Raises:
        ValueError: for an unknown name, or a limit that is not a positive integer.
    """
    before = os.environ.get(VARIABLE)
    values = _parse(before or "") | {name: _checked(name, each) for name, each in limits.items()}
    os.environ[VARIABLE] = ",".join(f"{name}={value}" for name, value in values.items())
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


_suspended = contextvars.ContextVar("suspended", default=False)


@contextlib.contextmanager
def suspended() -> Iterator[None]:
    """Within the block, `check` accepts every size: for the package's own list of models.

    The package can then be imported under limits that are lower than its largest model.
    """
    token = _suspended.set(True)
    try:
        yield
    finally:
        _suspended.reset(token)


def check(limit: str, size: int, subject: str, **values: Any) -> None:
    """Raises ValueError if a size is above a limit.

    Args:
        limit: name of the limit, a field of `Limits`.
        size: the size.
        subject: what has the size, the subject of the message, e.g. "`depth`".
        values: what the message names as received. Default: the size.
    """
    most = getattr(current(), limit)
    if size > most and not _suspended.get():
        raise ValueError(
            f"{subject} must be at most {most}: the limit `{limit}`, which `cctzoo.limits.raised` "
            f"or {VARIABLE}={limit}=NUMBER can raise. {received(**values or {'size': size})}"
        )


@functools.lru_cache(maxsize=8)  # each config checks a dozen sizes
def _limits(text):
    return Limits(**_parse(text))


def check_unpacking(unpacked: int, packed: int, subject: str) -> None:
    """Raises ValueError if a file would unpack to more than its size times the limit `unpacking`.

    Args:
        unpacked: bytes that the file unpacks to. 16 MiB are always accepted.
        packed: bytes of the file.
        subject: what is unpacked, the subject of the message.
    """
    if unpacked > HARMLESS:
        times = math.ceil(unpacked / max(1, packed))
        subject = f"{subject}, unpacked, divided by its packed size"
        check("unpacking", times, subject, unpacked=unpacked, packed=packed)


def _parse(text):
    """The limits in the form of the environment variable."""
    items = [item for item in text.split(",") if item.strip()]
    pairs = [item.partition("=") for item in items]
    return {name.strip(): _checked(name.strip(), value.strip()) for name, _, value in pairs}


def _checked(name, value):
    if name not in NAMES:
        raise ValueError(
            f"A limit must be one of {', '.join(NAMES)}.{did_you_mean(name, NAMES)} "
            f"{received(**{name: value})}"
        )
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if type(number) is not int or number < 1:
        raise ValueError(f"A limit must be a positive integer. {received(**{name: value})}")
    return number
