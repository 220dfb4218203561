"""Reads `.npz` files from elsewhere: names, shapes and types first, then each array on demand."""

import contextlib
import io
import math
import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from cctzoo import limits
from cctzoo.formats.reading import parse_object, reading
from cctzoo.formats.stored_array import StoredArray, is_count
from cctzoo.formats.zip_file import open_zip
from cctzoo.messages import shown
from cctzoo.typing import PathLike

SUFFIX = ".npy"
MOST_HEADER = 10_000  # bytes, as in NumPy: a longer one can make Python's parser slow
PLAIN = "biufcmMSU"  # NumPy's kinds of numbers and texts
UNREAD = "object"  # the type of an array of anything else, which would be a pickle


@contextlib.contextmanager
def open_npz(path: PathLike, what: str, argument: str = "path") -> Iterator[dict[str, StoredArray]]:
    """Opens a `.npz` file; its arrays can be read until the block ends.

    The sizes in the zip directory and in the headers of the arrays are checked first. Arrays of
    anything but numbers and texts have the type `"object"` and are not read, because their
    values are pickles, which can run code.

    Args:
        path, what, argument: as in `reading`.

    Yields:
        The arrays by name. Entries that are not `.npy` files are left out.

    Raises:
        ValueError: if the file is broken, or larger than the limits `array_bytes` and `unpacking`.
            So does reading an array that is broken or of type `"object"`.
    """
    with contextlib.ExitStack() as stack:
        with reading(path, what, argument):
            archive = stack.enter_context(open_zip(path))
            arrays = {}
            for info in archive.infolist():
                if not info.filename.endswith(SUFFIX):
                    continue
                name = info.filename.removesuffix(SUFFIX)
                with _entry(name), archive.open(info) as entry:
                    shape, dtype = _header(entry, info.file_size)

                def read(info=info, name=name):
                    with reading(path, what, argument), _entry(name), archive.open(info) as entry:
                        return np.lib.format.read_array(entry, allow_pickle=False)

                arrays[name] = StoredArray(shape, dtype, read)
        yield arrays


def load_npy(path: PathLike, what: str, argument: str = "path") -> np.ndarray:
    """Reads a `.npy` file without pickles.

    Args:
        path, what, argument: as in `reading`.

    Raises:
        ValueError: if the file is broken, or larger than the limit `array_bytes`.
    """
    with reading(path, what, argument), open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        limits.check("array_bytes", size, "The number of bytes of an array")
        _header(stream, size)  # compares the sizes before the array is allocated
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)


def read_object(array: StoredArray) -> dict[str, object]:
    """Reads a JSON object that is stored as an array of one text.

    Raises:
        ValueError: if it is longer than the limit `json_bytes`, or not a JSON object.
    """
    dtype = np.dtype(array.dtype)
    if dtype.kind != "U" or array.shape:
        raise ValueError(f"it must be one text, not an array of {array.dtype}, shape {array.shape}")
    characters = dtype.itemsize // 4
    limits.check("json_bytes", characters, "A JSON text's number of characters")
    return parse_object(str(np.asarray(array)))


def _header(stream: BinaryIO, size: int) -> tuple[tuple[int, ...], str]:
    """The shape and type of the array in a `.npy` file of `size` bytes, as in `StoredArray`."""
    head = io.BytesIO(stream.read(MOST_HEADER))
    version = np.lib.format.read_magic(head)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"its version of the .npy format is {version}, not (1, 0) or (2, 0)")
    shape, _, dtype = read(head)
    if not all(map(is_count, shape)):
        raise ValueError(f"a shape must hold lengths. Received: shape={shown(shape)}")
    if dtype.kind not in PLAIN or not dtype.itemsize:
        return shape, UNREAD
    if size - head.tell() != math.prod(shape) * dtype.itemsize:
        raise ValueError(
            f"{shown(shape)} of {dtype} do not fit its {size - head.tell()} bytes of values"
        )
    return shape, str(dtype)


@contextlib.contextmanager
def _entry(name):
    """Names the entry in the errors of the block."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"its array {shown(name)}: {error or type(error).__name__}") from error
