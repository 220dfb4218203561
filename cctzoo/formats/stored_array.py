"""An array that still lies in a file."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

MOST_DIMENSIONS = 8  # of an array in a checkpoint; a convolution's kernel has four


@dataclasses.dataclass(frozen=True)
class StoredArray:
    """What an array in a file is, known before a byte of it is read.

    Names and shapes of a whole checkpoint are compared with the model first, so that a file
    that does not fit costs nothing, whatever sizes it claims. `numpy.asarray` reads it.

    Args:
        shape: a tuple of non-negative integers.
        dtype: as NumPy names it, or `"bfloat16"`, which is read as float32.
        read: gives the array.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]

    @property
    def size(self):
        return math.prod(self.shape)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.read(), dtype=dtype)


def is_floating(dtype):
    """Whether a `StoredArray.dtype` or a NumPy dtype is one of floating-point numbers."""
    return str(dtype) == "bfloat16" or np.dtype(dtype).kind == "f"


def itemsize(dtype):
    """Bytes of a number of a `StoredArray.dtype`."""
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def from_bytes(data, dtype, big_endian=False):
    """Bytes -> flat array; bfloat16 becomes float32, whose upper half it is."""
    order = ">" if big_endian else "<"
    if dtype == "bfloat16":
        halves = np.frombuffer(data, np.dtype("uint16").newbyteorder(order))
        return (halves.astype("uint32") << 16).view("float32")
    return np.frombuffer(data, np.dtype(dtype).newbyteorder(order))


def is_count(value):
    """Whether a value read from a file is a plausible length: an integer of 48 bits."""
    return type(value) is int and 0 <= value < 2**48
