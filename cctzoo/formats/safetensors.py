"""The safetensors format: lazy reading by the `safetensors` package, and atomic writing.

The package checks the header: lengths, types, and that the arrays cover the file without gap or
overlap. This module also refuses what the package lets through: equal names, a header that would
cost much memory, and types that NumPy does not have.

Reference: https://huggingface.co/docs/safetensors.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping

import ml_dtypes  # noqa: F401  # a dependency of Keras; teaches NumPy the type bfloat16
import numpy as np
from safetensors import SafetensorError, safe_open

from cctzoo import limits
from cctzoo.formats.atomic import atomic_file
from cctzoo.formats.stored_array import MAX_DIMENSIONS, StoredArray
from cctzoo.messages import printable, shown
from cctzoo.typing import PathLike

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
TENSORS_PER_LAYER = 100  # an encoder block has about 12


@contextlib.contextmanager
def open_safetensors(path: PathLike) -> Iterator[tuple[dict[str, StoredArray], dict[str, str]]]:
    """Opens a safetensors file; its arrays can be read until the block ends.

    Yields:
        The arrays by name, in the order of the file, and the metadata.

    Raises:
        ValueError: if the file breaks a rule of the format; the message names the rule.
    """
    with contextlib.ExitStack() as stack:
        try:
            length = _header_length(path)
            # Not mapped to memory: a file that shrinks later must not kill the process.
            file = stack.enter_context(safe_open(path, framework="np", backend="pread"))
            names = file.offset_keys()
            limits.check(
                "layers",
                -(-len(names) // TENSORS_PER_LAYER),
                f"The number of tensors, {TENSORS_PER_LAYER} for each layer,",
                tensors=len(names),
            )
            _check_names(path, length)
            arrays = {name: _stored_array(file, name) for name in names}
        except (SafetensorError, ValueError, OSError, RecursionError) as error:
            raise ValueError(
                "`path` must be a complete safetensors file. "
                f"Received: path={str(path)!r}: {printable(str(error)[:300])}"
            ) from error
        yield arrays, file.metadata() or {}


def write_safetensors(
    arrays: Mapping[str, np.ndarray], path: PathLike, metadata: Mapping[str, str] | None = None
) -> None:
    """Writes arrays by name, of the types in `TYPES`, and metadata; the write is atomic.

    The package's own `save_file` is not used: the order of its metadata changes from process to
    process, and the same model must give the same bytes, whose SHA-256 the registry states.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    header = {"__metadata__": dict(metadata)} if metadata else {}
    start = 0
    for name, array in arrays.items():
        header[name] = {
            "dtype": NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, start + array.nbytes],
        }
        start += array.nbytes
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)  # aligns the arrays
    with atomic_file(path) as draft, open(draft, "wb") as stream:
        stream.write(len(encoded).to_bytes(8, "little") + encoded)
        for array in arrays.values():
            stream.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())


def _header_length(path):
    with open(path, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
    limits.check("json_bytes", length, "The number of bytes of the header", bytes=length)
    return length


def _check_names(path, length):
    """Refuses equal names: two readers could take different arrays."""

    def check(pairs):
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name occurs twice in the header")

    with open(path, "rb") as stream:
        stream.seek(8)
        json.loads(stream.read(length), object_pairs_hook=check)


def _stored_array(file, name):
    about = file.get_slice(name)
    if about.get_dtype() not in TYPES:
        raise ValueError(f"dtype {about.get_dtype()!r} is not one of {', '.join(TYPES)}")
    dtype = TYPES[about.get_dtype()]
    shape = tuple(about.get_shape())
    if len(shape) > MAX_DIMENSIONS:
        raise ValueError(
            f"{shown(name)} has {len(shape)} dimensions, of which {MAX_DIMENSIONS} are allowed"
        )

    def read():
        array = file.get_tensor(name)
        return array.astype("float32") if dtype == "bfloat16" else array

    return StoredArray(shape, dtype, read)
