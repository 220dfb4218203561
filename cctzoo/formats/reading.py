"""Reading files from elsewhere: whatever is broken in one is a ValueError that names the file."""

import contextlib
import csv
import json
import struct
import tarfile
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cctzoo import limits
from cctzoo.messages import printable, shown
from cctzoo.typing import PathLike

# What the readers of JSON, tar, zip and NumPy files, and the code that takes their values, raise.
ERRORS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    OSError,
    EOFError,
    MemoryError,
    RuntimeError,  # also RecursionError (deep JSON) and NotImplementedError (zip methods)
    struct.error,
    csv.Error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
MAX_OBJECTS = 2**20  # objects and lists in JSON, of which each takes up to 300 bytes


@contextlib.contextmanager
def reading(path: PathLike, what: str, argument: str = "path") -> Iterator[None]:
    """Turns the errors of the block, which reads a file, into a ValueError that names the file.

    Args:
        path: of the file or folder.
        what: what the file must be, e.g. "a recipe that `Recipe.save` wrote".
        argument: the name of the caller's argument, for the message.
    """
    try:
        yield
    except ERRORS as error:
        raise ValueError(
            f"`{argument}` must be {what}. Received: {argument}={str(path)!r}: {_reason(error)}"
        ) from error


def read_json(path: PathLike, what: str, argument: str = "path") -> dict[str, Any]:
    """Reads a file with one JSON object.

    Args:
        path, what, argument: as in `reading`.

    Raises:
        ValueError: if there is no such file, it is larger than the limit `json_bytes`, or it is
            not a JSON object.
    """
    with reading(path, what, argument):
        limits.check("json_bytes", Path(path).stat().st_size, "A JSON file's number of bytes")
        return parse_object(Path(path).read_text(encoding="utf-8-sig"))


def read_toml(path: PathLike, what: str, argument: str = "path") -> dict[str, Any]:
    """Reads a TOML file; arguments and errors are those of `read_json`."""
    with reading(path, what, argument):
        limits.check("json_bytes", Path(path).stat().st_size, "A TOML file's number of bytes")
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Parses one JSON object; raises ValueError for anything else."""
    marks = ("{", "[") if isinstance(text, str) else (b"{", b"[")
    if sum(text.count(mark) for mark in marks) > MAX_OBJECTS:
        raise ValueError(f"it must not have more than {MAX_OBJECTS} objects and lists")
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON must not be nested so deeply") from error
    if not isinstance(found, dict):
        raise ValueError(f"it must be a JSON object, not {shown(found)}")
    return found


def _reason(error):
    """The reason in one line; some errors are only a name, or a key."""
    if isinstance(error, KeyError):
        return f"it has no entry {shown(error.args[0])}" if error.args else "an entry is missing"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return printable(str(error).partition("\n")[0][:300]) or type(error).__name__
