"""Rules for the fields of JSON objects in files from elsewhere."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from cctzoo.formats.stored_array import is_count
from cctzoo.messages import did_you_mean, shown

T = TypeVar("T")


class Rule(NamedTuple):
    """What a value must be, in words for the message and as a function."""

    words: str
    holds: Callable[[Any], bool]


def is_finite(value: object) -> bool:
    """Whether a value from a file is an integer or a float, neither a Boolean nor infinite."""
    most = sys.float_info.max
    return type(value) in (int, float) and -most <= value <= most


TEXT = Rule("a text", lambda value: isinstance(value, str))
COUNT = Rule("a count", is_count)
NUMBER = Rule("a finite number", is_finite)
POSITIVE = Rule("a positive number", lambda value: is_finite(value) and value > 0)
# A weighted accuracy in float32 can be 1.0000001.
SHARE = Rule("from 0 to 1", lambda value: is_finite(value) and 0 <= value <= 1 + 1e-6)
ANY_NUMBER = Rule("a number", lambda value: type(value) in (int, float))  # NaN and infinity too
OBJECT = Rule("an object", lambda value: isinstance(value, dict))
OBJECTS = Rule(
    "a list of objects",
    lambda value: isinstance(value, list) and all(isinstance(each, dict) for each in value),
)
TEXTS = Rule(
    "a list of texts",
    lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
)
NUMBERS = Rule(
    "a list of finite numbers",
    lambda value: isinstance(value, list) and len(value) > 0 and all(map(is_finite, value)),
)
COUNTS = Rule(
    "a list of counts", lambda value: isinstance(value, list) and all(map(is_count, value))
)


def optional(rule: Rule) -> Rule:
    """The rule of a value that may be null."""
    return Rule(f"{rule.words}, or null", lambda value: value is None or rule.holds(value))


def from_fields(cls: type[T], values: Mapping[str, Any]) -> T:
    """Returns the dataclass of fields that come from a file.

    Raises:
        ValueError: if a field is unknown, or one without a default is missing; and what the
            dataclass raises.
    """
    name = cls.__name__
    check_fields({name: values}, {name: OBJECT})
    fields = dataclasses.fields(cls)
    known = [field.name for field in fields]
    for each in values:
        if each not in known:
            raise ValueError(f"{name} has no field {shown(each)}.{did_you_mean(each, known)}")
    for field in fields:
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and field.name not in values:
            raise ValueError(f"{name} needs the field {field.name!r}")
    return cls(**values)


def check_fields(values: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Raises KeyError if a field with a rule is missing, ValueError if it breaks its rule."""
    for name, rule in rules.items():
        if not rule.holds(values[name]):
            raise ValueError(f"{name!r} must be {rule.words}, not {shown(values[name])}")
