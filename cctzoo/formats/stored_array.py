"""An array in an open file, which is read on demand."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

MAX_DIMENSIONS = 8  # of a tensor in a checkpoint; the kernel of a convolution has four


@dataclasses.dataclass(frozen=True)
class StoredArray:
    """Shape and type of an array in an open file; `numpy.asarray` reads the array.

    Names and shapes of a whole checkpoint are compared with the model before anything is read,
    so that a file that does not fit costs no memory, whatever sizes it claims.

    Args:
        shape: of the array.
        dtype: NumPy's name of the type, or `"bfloat16"`, which is read as float32.
        read: returns the array.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.read(), dtype=dtype)


def is_floating(dtype: str | np.dtype) -> bool:
    """Whether a `StoredArray.dtype` or a NumPy dtype is a floating-point type."""
    return str(dtype) == "bfloat16" or np.dtype(dtype).kind == "f"


def itemsize(dtype: str) -> int:
    """The bytes per number of a `StoredArray.dtype`."""
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def from_bytes(data: bytes, dtype: str, big_endian: bool = False) -> np.ndarray:
    """The flat array in `data`; bfloat16, the upper half of a float32, becomes float32."""
    order = ">" if big_endian else "<"
    if dtype == "bfloat16":
        halves = np.frombuffer(data, np.dtype("uint16").newbyteorder(order))
        return (halves.astype("uint32") << 16).view("float32")
    return np.frombuffer(data, np.dtype(dtype).newbyteorder(order))


def is_count(value: object) -> bool:
    """Whether a value from a file is a plausible length: an integer from 0 to 2**48 - 1."""
    return type(value) is int and 0 <= value < 2**48
