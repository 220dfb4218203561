"""Reads and writes PyTorch's zip checkpoints without PyTorch.

Such a file is a zip archive of uncompressed entries in one folder: `data.pkl` is a pickle of
the saved object, `data/KEY` are the storages of its tensors, `byteorder` is their byte order.
"""

import contextlib
import functools
import io
import math
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cctzoo import limits
from cctzoo.formats.atomic import atomic_file
from cctzoo.formats.pickle_values import read_pickle
from cctzoo.formats.stored_array import (
    MAX_DIMENSIONS,
    StoredArray,
    from_bytes,
    is_count,
    itemsize,
)
from cctzoo.formats.zip_file import open_directory
from cctzoo.messages import printable
from cctzoo.typing import PathLike

STORAGES = {
    "torch.DoubleStorage": "float64",
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
OLD_FORMAT = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the pickled magic number
ZIP_ERRORS = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, struct.error, ValueError)
ALIGNMENT = 64  # bytes; as PyTorch aligns storages, so that they can be mapped to memory


@contextlib.contextmanager
def open_torch_file(path: PathLike) -> Iterator[Any]:
    """Opens a checkpoint; its arrays can be read until the block ends.

    No code in the file is executed, nothing is unpacked to disk, and no more memory is
    allocated than the file has bytes.

    Yields:
        The saved object: dicts, lists and plain values, with a `StoredArray` for each tensor and
        a `Placeholder` for each object of another kind, which is not built.

    Raises:
        ValueError: if the file is broken, has the format before PyTorch 1.6, or is an archive of
            TorchScript.
    """
    with open(path, "rb") as stream:
        if OLD_FORMAT in stream.read(64):
            raise _broken(
                path,
                "it has the format before PyTorch 1.6. Convert a file of tensors by "
                "torch.save(torch.load(path, weights_only=True), path)",
            )
        with contextlib.ExitStack() as stack:
            with _complete(path):
                archive = stack.enter_context(open_directory(path))
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                raise _broken(
                    path,
                    "it is an archive of TorchScript. Save its tensors by "
                    "torch.save(torch.jit.load(path).state_dict(), path)",
                )
            with _complete(path):
                entries = _entries(archive, os.fstat(stream.fileno()).st_size)

            @functools.lru_cache(maxsize=1)  # all tensors may be views of one storage
            def read(name):
                try:
                    return archive.read(entries[name])  # which checks the CRC
                except ZIP_ERRORS as error:
                    raise _broken(path, error) from error

            order = read("byteorder") if "byteorder" in entries else b"little"

            def tensor(*claims):
                return _tensor(entries, read, order == b"big", *claims)

            pickled = read("data.pkl")
            try:
                values = read_pickle(pickled, STORAGES, tensor)
            except ValueError as error:
                raise _broken(path, error) from error
            yield values


@contextlib.contextmanager
def _complete(path):
    """Turns the errors of a broken archive into a ValueError with the path."""
    try:
        yield
    except ZIP_ERRORS as error:
        raise _broken(path, f"it is not a complete zip archive of a checkpoint: {error}") from error


def _entries(archive, size):
    """ZipInfo by name without the common folder; ValueError for entries PyTorch never writes."""
    entries = {}
    pickles = [name for name in archive.namelist() if name.count("/") == 1]
    folders = {name.removesuffix("data.pkl") for name in pickles if name.endswith("/data.pkl")}
    if len(folders) != 1:
        raise ValueError("it must have exactly one data.pkl, in a folder")
    (folder,) = folders
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise ValueError(f"{info.filename[:100]!r} is compressed, PyTorch never compresses")
        name = info.filename.removeprefix(folder)
        if name in entries:
            raise ValueError(f"{info.filename[:100]!r} occurs twice")
        entries[name] = info
    if sum(info.file_size for info in entries.values()) > size:
        raise ValueError("its entries are larger than the file")
    length = entries["data.pkl"].file_size
    limits.check("json_bytes", length, "The number of bytes of data.pkl", bytes=length)
    return entries


def _tensor(entries, read, big_endian, kind, key, count, offset, shape, strides):
    """A view of a storage; ValueError unless the storage exists and contains the view."""
    dtype = STORAGES[kind]
    name = f"data/{key}" if isinstance(key, str) else None
    if name not in entries:
        raise ValueError("it has a tensor whose storage is not in the file")
    if not is_count(count) or entries[name].file_size != count * itemsize(dtype):
        raise ValueError(
            f"its storage {key[:100]!r} does not have the length that its tensor requires"
        )
    sides = isinstance(shape, tuple) and isinstance(strides, tuple) and len(shape) == len(strides)
    if not sides or not all(map(is_count, (offset, *shape, *strides))):
        raise ValueError("it has a tensor whose shape is not a tuple of lengths")
    if len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"it has a tensor of {len(shape)} dimensions, at most {MAX_DIMENSIONS}")
    size = math.prod(shape)
    reach = sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    # A view larger than its storage repeats elements, and needs more memory than the file has.
    if size and (offset + reach >= count or size > count - offset):
        raise ValueError("it has a tensor that exceeds its storage")

    def array():
        flat = from_bytes(read(name), dtype, big_endian)
        if not size:
            return flat[:0].reshape(shape)
        steps = [stride * flat.itemsize for stride in strides]
        return np.lib.stride_tricks.as_strided(flat[offset:], shape, steps, writeable=False)

    return StoredArray(shape, dtype, array)


def _broken(path, reason):
    return ValueError(
        "`path` must be a PyTorch checkpoint with a state dict, e.g. written by "
        f"torch.save(model.state_dict(), path). Received: path={str(path)!r}: "
        f"{printable(str(reason))}"
    )


def write_torch_file(arrays: Mapping[str, np.ndarray], path: PathLike) -> None:
    """Writes a state dict as `torch.save` does; `torch.load(path, weights_only=True)` reads it.

    Args:
        arrays: float32 arrays by key.
        path: of the file; the write is atomic.
    """
    with atomic_file(path) as draft, zipfile.ZipFile(draft, "w") as archive:
        _write(archive, "data.pkl", _pickled(arrays))
        _write(archive, "byteorder", b"little")
        for i, array in enumerate(arrays.values()):
            _write(archive, f"data/{i}", np.ascontiguousarray(array, "<f4").tobytes())
        _write(archive, "version", b"3\n")


def _write(archive, name, data):
    """Writes an entry whose data start at a multiple of ALIGNMENT, by padding its extra field."""
    entry = zipfile.ZipInfo(f"archive/{name}")
    start = archive.fp.tell() + 30 + len(entry.filename) + 4  # a local header has 30 bytes
    padding = -start % ALIGNMENT
    entry.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding  # as PyTorch pads
    archive.writestr(entry, data)


def _pickled(arrays):
    """The pickle (protocol 2) of an OrderedDict of tensors, each with its own storage."""
    stream = io.BytesIO()
    empty = b"ccollections\nOrderedDict\n)R"

    def string(word):
        encoded = word.encode()
        return b"X" + struct.pack("<I", len(encoded)) + encoded

    def tuple_of(items):
        return b"(" + b"".join(b"J" + struct.pack("<i", item) for item in items) + b"t"

    stream.write(b"\x80\x02" + empty + b"(")
    for i, (key, array) in enumerate(arrays.items()):
        strides = [math.prod(array.shape[axis + 1 :]) for axis in range(array.ndim)]
        stream.write(string(key) + b"ctorch._utils\n_rebuild_tensor_v2\n((")
        stream.write(string("storage") + b"ctorch\nFloatStorage\n" + string(str(i)) + string("cpu"))
        stream.write(b"J" + struct.pack("<i", array.size) + b"tQ")  # the storage
        stream.write(b"K\x00" + tuple_of(array.shape) + tuple_of(strides))  # offset and view
        stream.write(b"\x89" + empty + b"tR")  # requires_grad=False, no hooks
    stream.write(b"u.")
    return stream.getvalue()
