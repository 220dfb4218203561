"""Opens zip archives from elsewhere: all sizes are checked before an entry is read."""

import contextlib
import io
import os
import zipfile
from collections.abc import Iterator

from cctzoo import limits
from cctzoo.messages import shown
from cctzoo.typing import PathLike

# `zipfile` bounds what one call unpacks for these methods only.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1  # a flag of an entry


class _File(io.BufferedReader):
    """A file that refuses to read a larger zip directory than the limit `json_bytes`."""

    opened = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.opened:  # `zipfile` reads the whole directory in one call
            limits.check("json_bytes", size or 0, "The directory of a zip archive")
        return super().read(size)


@contextlib.contextmanager
def open_zip(path: PathLike) -> Iterator[zipfile.ZipFile]:
    """Opens a zip archive whose entries are no larger than the limits allow.

    Raises:
        ValueError: if an entry occurs twice, is encrypted or compressed by an unusual method, or
            if the sizes contradict the size of the file or exceed a limit.
        zipfile.BadZipFile: if the file is not a zip archive.
        OSError: if the file cannot be read.
    """
    with open_directory(path) as archive:
        check_entries(archive.infolist(), os.stat(path).st_size)
        yield archive


@contextlib.contextmanager
def open_directory(path: PathLike) -> Iterator[zipfile.ZipFile]:
    """Opens a zip archive whose directory is of bounded size; its entries are not checked.

    Raises:
        ValueError: if the directory is larger than the limit `json_bytes`.
        zipfile.BadZipFile: if the file is not a zip archive.
        OSError: if the file cannot be read.
    """
    with _File(io.FileIO(path)) as stream, zipfile.ZipFile(stream) as archive:
        stream.opened = True
        yield archive


def check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Checks the directory of a zip archive.

    Args:
        entries: the directory.
        size: of the file, in bytes.

    Raises:
        ValueError: see `open_zip`.
    """
    names = set()
    for entry in entries:
        name = shown(entry.filename)
        if entry.filename in names:
            raise ValueError(f"the entry {name} occurs twice")
        names.add(entry.filename)
        if entry.flag_bits & ENCRYPTED:
            raise ValueError(f"the entry {name} is encrypted")
        if entry.compress_type not in METHODS:
            raise ValueError(f"the entry {name} is neither stored nor deflated")
        if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
            raise ValueError(f"the entry {name} has two sizes")
    if sum(entry.compress_size for entry in entries) > size:
        raise ValueError("its entries are larger than the file")
    unpacked = sum(entry.file_size for entry in entries)
    limits.check("array_bytes", unpacked, "The unpacked entries of a zip archive", bytes=unpacked)
    limits.check_unpacking(unpacked, size, "The content of a zip archive")
