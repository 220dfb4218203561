"""Values that arguments do not expect, and other spellings of those that they do."""

import dataclasses
import decimal
import fractions
import json

import numpy as np

ODD = [
    *(None, True, 0, -1, 1, 2, 7, 2**31, 2**63, 10**9, 10**400, -(10**400), 10**5000),
    *(0.0, 0.5, 1.0, -0.5, 1e-320, 1e38, 1e308, float("nan"), float("inf"), 1j),
    *("", "2", "sequence", "\x00", "\ud800", "x" * 10**5, b"", b"x", bytearray(b"ab")),
    *((), (0,), (2, 2), [1] * 10**4, [[2]], [True], [None], ["a"], {}, {"a": 1}, {1, 2}),
    *(range(3), range(10**9), object(), object, len, (i for i in range(3)), memoryview(b"ab")),
    *(decimal.Decimal("0.5"), fractions.Fraction(1, 2), fractions.Fraction(10**400)),
    *(np.int8(2), np.uint64(2**64 - 1), np.float16(0.5), np.float32("nan"), np.longdouble(2)),
    *(
        np.bool_(True),
        np.str_("cct"),
        np.bytes_(b"x"),
        np.timedelta64(3, "s"),
        np.datetime64("2020"),
    ),
    *(
        np.array(2),
        np.array(None),
        np.array("cct"),
        np.array([1, 2]),
        np.array([[1]]),
        np.array([]),
    ),
    *(np.zeros(10**5), np.array(["a", "b"]), np.array([1, "a"], object)),
]


def in_numpy(value):
    """Spellings of a value in NumPy's types; the value itself where there are none."""
    if isinstance(value, bool):
        return [np.bool_(value), np.array(value)]
    if isinstance(value, int):
        return [np.int64(value), np.array(value), np.uint16(value)]
    if isinstance(value, float):
        return [np.float64(value), np.array(value), np.longdouble(value)]
    if isinstance(value, str):
        return [np.str_(value), np.array(value)]
    if isinstance(value, tuple) and value:
        return [np.array(value), list(value), [in_numpy(each)[0] for each in value]]
    return [value]


def check_odd_value(make, name):
    """Makes a dataclass with an odd value of a field: it is refused with its name, or plain."""
    try:
        made = make()
    except ValueError as error:
        message = str(error)
        assert name in message, message
        assert "Received: " in message
        assert len(message) < 3000
    else:
        json.dumps(dataclasses.asdict(made))
