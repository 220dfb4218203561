"""The safetensors format: a JSON header of names, types and places, then the bytes.

Reference: https://huggingface.co/docs/safetensors, whose rules are all checked.
"""

import contextlib
import json
import math
import os

import numpy as np

from cctzoo.formats.atomic import atomic_file
from cctzoo.formats.stored_array import (
    MOST_DIMENSIONS,
    StoredArray,
    from_bytes,
    is_count,
    itemsize,
)

TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
NAMES = {dtype: name for name, dtype in TYPES.items()}
MOST_HEADER = 2**26  # bytes; 1,000 tensors take 0.1 MB, 400,000 words 7 MB


@contextlib.contextmanager
def open_safetensors(path):
    """Yields (dict of `StoredArray` by name, dict of metadata); readable within the block.

    Raises:
        ValueError: for a file that breaks a rule of the format, naming it.
    """
    with open(path, "rb") as stream:
        try:
            header, start, size = _header(stream)
            metadata = header.pop("__metadata__", {})
            if not isinstance(metadata, dict) or not all(
                isinstance(value, str) for value in metadata.values()
            ):
                raise ValueError("its metadata are not texts")
            arrays = {name: _array(stream, start, about) for name, about in header.items()}
            _check_places([about["data_offsets"] for about in header.values()], size)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                "`path` must be a whole safetensors file. "
                f"Received: path={str(path)!r}: {str(error)[:200]}"
            ) from error
        yield arrays, metadata


def _header(stream):
    """(the header, where the bytes start, how many there are)."""
    length = int.from_bytes(stream.read(8), "little")
    rest = os.fstat(stream.fileno()).st_size - 8
    if not 2 <= length <= min(rest, MOST_HEADER):
        raise ValueError("the length of its header is wrong")
    header = json.loads(stream.read(length), object_pairs_hook=_distinct)
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    return header, 8 + length, rest - length


def _distinct(pairs):
    """A dict; two readers could take different ones of equal keys."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice in its header")
    return found


def _array(stream, start, about):
    if not isinstance(about, dict) or about.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError("an entry of its header has not dtype, shape and data_offsets")
    dtype, shape, places = about["dtype"], about["shape"], about["data_offsets"]
    if not isinstance(dtype, str) or dtype not in TYPES:
        raise ValueError(f"dtype {str(dtype)[:20]!r} is none of {', '.join(TYPES)}")
    dtype = TYPES[dtype]
    lengths = isinstance(shape, list) and len(shape) <= MOST_DIMENSIONS
    lengths = lengths and isinstance(places, list) and len(places) == 2
    if not lengths or not all(map(is_count, shape + places)):
        raise ValueError("a shape or a place in its header is not made of lengths")
    begin, end = places
    if end - begin != math.prod(shape) * itemsize(dtype):
        raise ValueError("a shape in its header does not match its place")

    def read():
        stream.seek(start + begin)
        return from_bytes(stream.read(end - begin), dtype).reshape(shape)

    return StoredArray(tuple(shape), dtype, read)


def _check_places(places, size):
    """The arrays must follow each other without gap or overlap to the end of the file."""
    at = 0
    for begin, end in sorted(places):
        if begin != at:
            raise ValueError("its arrays overlap or leave gaps")
        at = end
    if at != size:
        raise ValueError("its arrays do not end with the file")


def write_safetensors(arrays, path, metadata=None):
    """Writes a dict of arrays; the file appears whole or not at all.

    Args:
        arrays: by name; of types that the format knows.
        path: of the file.
        metadata: a dict of texts.
    """
    header, at = {"__metadata__": metadata} if metadata else {}, 0
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in arrays.items():
        places = [at, at + array.nbytes]
        header[name] = {
            "dtype": NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": places,
        }
        at = places[1]
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)  # so that the arrays are aligned
    with atomic_file(path) as draft, open(draft, "wb") as stream:
        stream.write(len(encoded).to_bytes(8, "little") + encoded)
        for array in arrays.values():
            stream.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
