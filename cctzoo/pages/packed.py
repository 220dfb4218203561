"""Data of a page: JSON and typed arrays, compressed, as text."""

import base64
import gzip
import json
from typing import Any

import numpy as np

DTYPES = ("uint8", "uint16", "int32", "float32")  # each has an array type in JavaScript
ARRAY = "$array"  # the key that stands for an array in the JSON text


def pack(data: Any) -> str:
    """Returns data as base64 text, which `readData` of `js/data.js` reads.

    The compressed bytes are the length of the JSON text as 4 bytes (little-endian), the JSON
    text, padded with spaces to a multiple of 4 bytes, and the bytes of the arrays.

    Args:
        data: dicts, lists, strings, numbers, None and NumPy arrays. Arrays of booleans are
            stored as uint8, of other integers as int32, of other floats as float32.

    Raises:
        ValueError: for numbers that JSON or the type of an array cannot hold, and dicts with
            the reserved key `"$array"`.
    """
    arrays = []
    text = json.dumps(_replace_arrays(data, arrays), allow_nan=False, separators=(",", ":"))
    header = text.encode()
    header += b" " * (-len(header) % 4)
    content = len(header).to_bytes(4, "little") + header + b"".join(arrays)
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _replace_arrays(value, arrays):
    if isinstance(value, dict):
        if ARRAY in value:
            raise ValueError(f"{ARRAY!r} is a reserved key. Received: {list(value)}")
        return {str(key): _replace_arrays(each, arrays) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_arrays(each, arrays) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray):
        return value
    stored = _stored(value)
    content = stored.tobytes()
    offset = sum(map(len, arrays))
    arrays.append(content + bytes(-len(content) % 4))  # typed arrays must be aligned
    return {ARRAY: [stored.dtype.name, offset, list(stored.shape)]}


def _stored(array):
    """The array with a little-endian type that JavaScript has."""
    name = array.dtype.name
    if name not in DTYPES:
        kinds = {"b": "uint8", "i": "int32", "u": "int32", "f": "float32"}
        if array.dtype.kind not in kinds:
            raise ValueError(f"An array must hold numbers. Received: dtype={array.dtype}")
        name = kinds[array.dtype.kind]
    if name == "int32" and array.size and not -(2**31) <= array.min() <= array.max() < 2**31:
        raise ValueError(
            "Integers must fit into 32 bits. "
            f"Received: minimum={array.min()}, maximum={array.max()}"
        )
    return array.astype(np.dtype(name).newbyteorder("<"))
