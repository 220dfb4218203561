"""PyTorch's zip checkpoints, read and written without PyTorch.

Such a file is a zip archive of uncompressed entries under one folder: `data.pkl` says what
there is, `data/KEY` are the storages, `byteorder` is the order of their bytes.
"""

import contextlib
import functools
import io
import math
import os
import struct
import zipfile

import numpy as np

from cctzoo.formats.atomic import atomic_file
from cctzoo.formats.pickle_values import read_pickle
from cctzoo.formats.stored_array import (
    MOST_DIMENSIONS,
    StoredArray,
    from_bytes,
    is_count,
    itemsize,
)

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
MOST_PICKLE = 2**22  # bytes of data.pkl: a state dict of 1,000 tensors takes 0.2 MB
OLD_FORMAT = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the magic number, pickled
ZIP_ERRORS = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, struct.error, ValueError)
ALIGNMENT = 64  # of storages, as PyTorch writes them, so that they can be mapped to memory


@contextlib.contextmanager
def open_torch_file(path):
    """Yields what a checkpoint holds: dicts and lists, with a `StoredArray` for a tensor.

    The arrays can be read within the block. No code of the file runs, nothing is unpacked to
    disk, and no more is allocated than the file has bytes for.

    Raises:
        ValueError: for a file that is broken, of the format before PyTorch 1.6, or holds
            anything but tensors and containers.
    """
    with open(path, "rb") as stream:
        if stream.read(len(OLD_FORMAT)) == OLD_FORMAT:
            raise _broken(
                path,
                "it has the format before PyTorch 1.6; there, "
                "torch.save(torch.load(path, weights_only=True), path) writes the new one",
            )
        with contextlib.ExitStack() as stack:
            try:
                archive = stack.enter_context(zipfile.ZipFile(stream))
                entries = _entries(archive, os.fstat(stream.fileno()).st_size)
            except ZIP_ERRORS as error:
                raise _broken(
                    path, f"it is no whole zip archive of a checkpoint: {error}"
                ) from error

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


def _entries(archive, size):
    """ZipInfo by name without the common folder; ValueError unless all is as PyTorch has it."""
    entries = {}
    pickles = [name for name in archive.namelist() if name.count("/") == 1]
    folders = {name.removesuffix("data.pkl") for name in pickles if name.endswith("/data.pkl")}
    if len(folders) != 1:
        raise ValueError("there is no data.pkl in one folder")
    (folder,) = folders
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise ValueError(f"{info.filename[:100]!r} is compressed, which PyTorch never does")
        name = info.filename.removeprefix(folder)
        if name in entries:
            raise ValueError(f"{info.filename[:100]!r} comes twice")
        entries[name] = info
    if sum(info.file_size for info in entries.values()) > size:
        raise ValueError("its entries are longer than the file")
    if entries["data.pkl"].file_size > MOST_PICKLE:
        raise ValueError(f"its data.pkl is longer than {MOST_PICKLE} bytes")
    return entries


def _tensor(entries, read, big_endian, kind, key, count, offset, shape, strides):
    """A view of a storage; ValueError unless the storage is there and the view lies in it."""
    dtype = STORAGES[kind]
    name = f"data/{key}" if isinstance(key, str) else None
    if name not in entries:
        raise ValueError("it has a tensor whose storage is not in the file")
    if not is_count(count) or entries[name].file_size != count * itemsize(dtype):
        raise ValueError(f"its storage {key[:100]!r} has not the length that it should have")
    sides = isinstance(shape, tuple) and isinstance(strides, tuple) and len(shape) == len(strides)
    if not sides or not all(map(is_count, (offset, *shape, *strides))):
        raise ValueError("it has a tensor whose shape is not made of lengths")
    if len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"it has a tensor of {len(shape)} dimensions, {MOST_DIMENSIONS} at most")
    size = math.prod(shape)
    reach = sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    # A view larger than its storage repeats elements: memory that the file does not pay for.
    if size and (offset + reach >= count or size > count - offset):
        raise ValueError("it has a tensor that does not lie within its storage")

    def array():
        flat = from_bytes(read(name), dtype, big_endian)
        if not size:
            return flat[:0].reshape(shape)
        steps = [stride * flat.itemsize for stride in strides]
        return np.lib.stride_tricks.as_strided(flat[offset:], shape, steps, writeable=False)

    return StoredArray(shape, dtype, array)


def _broken(path, reason):
    return ValueError(
        "`path` must be a PyTorch checkpoint of tensors in plain containers, e.g. by "
        f"torch.save(model.state_dict(), path). Received: path={str(path)!r}: {reason}"
    )


def write_torch_file(state, path):
    """Writes a state dict as `torch.save` does; `torch.load(path, weights_only=True)` reads it.

    Args:
        state: a dict of float32 arrays by key.
        path: of the file, which appears whole or not at all.
    """
    with atomic_file(path) as draft, zipfile.ZipFile(draft, "w") as archive:
        _write(archive, "data.pkl", _pickled(state))
        _write(archive, "byteorder", b"little")
        for i, array in enumerate(state.values()):
            _write(archive, f"data/{i}", np.ascontiguousarray(array, "<f4").tobytes())
        _write(archive, "version", b"3\n")


def _write(archive, name, data):
    """An entry whose data start at a multiple of ALIGNMENT, by padding its extra field."""
    entry = zipfile.ZipInfo(f"archive/{name}")
    start = archive.fp.tell() + 30 + len(entry.filename) + 4  # a local header has 30 bytes
    padding = -start % ALIGNMENT
    entry.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding  # PyTorch's own mark
    archive.writestr(entry, data)


def _pickled(state):
    """The pickle (protocol 2) of an OrderedDict of tensors, one storage each."""
    stream = io.BytesIO()
    empty = b"ccollections\nOrderedDict\n)R"

    def text(word):
        encoded = word.encode()
        return b"X" + struct.pack("<I", len(encoded)) + encoded

    def tuple_of(items):
        return b"(" + b"".join(b"J" + struct.pack("<i", item) for item in items) + b"t"

    stream.write(b"\x80\x02" + empty + b"(")
    for i, (key, array) in enumerate(state.items()):
        strides = [math.prod(array.shape[axis + 1 :]) for axis in range(array.ndim)]
        stream.write(text(key) + b"ctorch._utils\n_rebuild_tensor_v2\n((")
        stream.write(text("storage") + b"ctorch\nFloatStorage\n" + text(str(i)) + text("cpu"))
        stream.write(b"J" + struct.pack("<i", array.size) + b"tQ")  # the storage
        stream.write(b"K\x00" + tuple_of(array.shape) + tuple_of(strides))  # offset and view
        stream.write(b"\x89" + empty + b"tR")  # requires_grad=False, no hooks
    stream.write(b"u.")
    return stream.getvalue()
