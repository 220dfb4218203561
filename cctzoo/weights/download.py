"""Downloads that resume, are verified before use, and are safe across processes.

`docs/design.md` says what `keras.utils.get_file`, pooch and huggingface_hub lack for this. Only
Keras' cache directory is used here.
"""

import contextlib
import dataclasses
import errno
import hashlib
import http.client
import logging
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cctzoo import limits
from cctzoo.arguments import checked_arguments
from cctzoo.formats.atomic import write_text
from cctzoo.formats.lock import waiting
from cctzoo.formats.torch_file import open_torch_file
from cctzoo.messages import shown
from cctzoo.weights.registry import find

logger = logging.getLogger(__name__)

TIMEOUT = 30  # seconds without a byte
MAX_FAILURES = 5  # connections in a row that bring nothing
PAUSE = 1  # seconds between connections
CHUNK = 2**20  # bytes


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Follows a server elsewhere, but not from an encrypted connection to another kind."""

    def redirect_request(self, request, file, code, message, headers, url):
        if urllib.parse.urlsplit(url).scheme != request.type:
            raise ValueError(
                f"The server must send the file by {request.type}, as it was asked for. "
                f"Received: a redirection from {request.full_url} to {shown(url)}"
            )
        return super().redirect_request(request, file, code, message, headers, url)


OPENER = urllib.request.build_opener(_SameScheme)


@checked_arguments
def fetch(tag: str) -> Path:
    """The path of the file of trained weights, which is downloaded if necessary.

    If the registry states the SHA-256 of the file, the file must have it. If not (the authors'
    checkpoints), the file must be a complete checkpoint with correct checksums; its SHA-256 is
    logged, stored next to the file and verified on later use. That detects damage, but not
    forgery. Whatever the file holds, reading it executes no code.

    Args:
        tag: one of `list_weights()`.

    Raises:
        ValueError: if the tag is unknown, or the server sends another file.
        OSError: if the file cannot be downloaded; the message says where to put it by hand.
    """
    row = find(tag)
    if row.url is None:
        _check_hash(row.path, row.sha256)
        return row.path
    return download(row.url, row.path, row.sha256, row.size)


def check_checkpoint(path: Path) -> None:
    """Raises ValueError unless a file is a complete PyTorch checkpoint with correct checksums."""
    with open_torch_file(path) as values:
        _read_all(values)


def download(
    url: str,
    path: Path,
    sha256: str | None = None,
    size: int | None = None,
    *,
    check: Callable[[Path], None] = check_checkpoint,
    limit: str = "array_bytes",
    only_cached: bool = False,
    what: str = "weights",
    argument: str = "weights",
) -> Path:
    """Downloads a file; it appears at `path` when it is complete and verified.

    If a connection breaks, the received part is kept in a hidden file next to `path`, and the
    next call resumes from there. Another process that downloads the same file waits.

    Args:
        url: of the file.
        path: where to store the file.
        sha256: of the file. If it is not known, `check` decides whether the file is accepted;
            its SHA-256 is then stored next to it and verified on later use.
        size: in bytes, if known.
        check: raises ValueError if the file, which has another name yet, is incomplete or of
            another kind.
        limit: name of the limit for the file's number of bytes.
        only_cached: do not download, but raise FileNotFoundError.
        what: what the file holds, for messages.
        argument: the argument that takes a file from elsewhere, for the error.

    Returns:
        The path.

    Raises:
        ValueError: if the server sends another file, or one above the limit.
        OSError: if the file cannot be downloaded.
        FileNotFoundError: if it must be in the cache, and is not or is damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with waiting(path.with_name(f".{path.name}.lock")) as is_locked:
        known = path.with_name(f"{path.name}.sha256")
        stored = sha256 is None and known.exists()
        if stored:
            sha256 = known.read_text().strip()
        if path.exists():
            with contextlib.suppress(ValueError):
                _check_hash(path, sha256)
                return path
        if only_cached:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        path.unlink(missing_ok=True)  # the file was damaged after the download
        # Without a lock, each process downloads its own part, and nothing is resumed.
        owner = "" if is_locked else f".{os.getpid()}"
        part = path.with_name(f".{path.name}{owner}.part")
        logger.info("%s: downloading %s", what, url)
        try:
            wanted = _Wanted(url, path, part, sha256, size, check, limit, what, argument)
            digest = _download_part(wanted)
            if sha256 is None:
                logger.info(
                    "%s: no SHA-256 of %s is published; the downloaded file has %s",
                    what,
                    path.name,
                    digest,
                )
                write_text(known, digest + "\n")
            os.replace(part, path)  # `atomic_file` does not keep a part to resume from
        except ValueError as error:
            if not stored:
                raise
            raise ValueError(
                f"{error} (The SHA-256 is that of the first download; to accept another file, "
                f"remove {known}.)"
            ) from error
        finally:
            if not is_locked:
                part.unlink(missing_ok=True)
    return path


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """The arguments of `download`, and the path of the part that has been received."""

    url: str
    path: Path
    part: Path
    sha256: str | None
    size: int | None
    check: Callable[[Path], None]
    limit: str
    what: str
    argument: str


def _download_part(wanted):
    """Completes the part and returns its SHA-256; starts again if an old part does not match."""
    resumed = wanted.part.exists()
    _complete(wanted)
    try:
        return _verified(wanted)
    except ValueError:
        if not resumed:
            raise
    _complete(wanted)  # the old part may have been part of another file
    return _verified(wanted)


def _verified(wanted):
    """The SHA-256 of a complete download; removes a wrong file and raises ValueError."""
    try:
        digest = _check_hash(wanted.part, wanted.sha256)
        if wanted.sha256 is None:
            wanted.check(wanted.part)
        return digest
    except ValueError as error:
        wanted.part.unlink()
        raise ValueError(f"The server sent another file than {wanted.url}. {error}") from error


def _check_hash(path, sha256):
    with open(path, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if sha256 not in (None, digest):
        raise ValueError(
            f"The SHA-256 of {path.name} must be {sha256}. Received: {digest}, "
            f"{path.stat().st_size} bytes"
        )
    return digest


def _read_all(values):
    """Reads every array of a checkpoint, which verifies its checksums."""
    waiting, seen = [values], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif hasattr(value, "read"):
            np.asarray(value)


def _complete(wanted):
    """Downloads until the part has its full length, over as many connections as needed."""
    part, failures = wanted.part, 0
    while True:
        before = _length(part)
        try:
            if _receive(wanted):
                return
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and before:  # nothing follows the part
                if before == wanted.size:
                    return
                part.unlink()
            elif error.code < 500:
                raise _unreachable(wanted, error) from error
            reason = error
        except (http.client.HTTPException, OSError) as error:
            reason = error
        failures = 0 if _length(part) > before else failures + 1
        if failures == MAX_FAILURES or isinstance(getattr(reason, "reason", None), OSError):
            raise _unreachable(wanted, reason)
        time.sleep(PAUSE)


def _receive(wanted):
    """Appends the data of one connection to the part; returns whether the file is complete."""
    url, part, size = wanted.url, wanted.part, wanted.size
    at = _length(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={at}-"} if at else {})
    with OPENER.open(request, timeout=TIMEOUT) as response:
        rest = response.headers.get("Content-Length")
        if rest is not None and not rest.isdecimal():
            raise ValueError(
                f"The server must send a Content-Length that is a number. Received: {url} of "
                f"{shown(rest)} bytes"
            )
        resumes = response.headers.get("Content-Range", "").startswith(f"bytes {at}-")
        if not at or response.status != 206 or not resumes:
            at = 0  # the server sends the file from its start
        total = size if rest is None else at + int(rest)
        if total is None or size not in (None, total):
            raise ValueError(
                "The server must send a Content-Length, equal to the listed size if there is one. "
                f"Received: {url} of {total} bytes, listed: {size}"
            )
        limits.check(wanted.limit, total, "The number of bytes of a download", bytes=total)
        with open(part, "r+b" if at else "wb") as out:
            out.seek(at)
            while at < total and (chunk := response.read(min(CHUNK, total - at))):
                at += out.write(chunk)
    return at == total


def _length(part):
    return part.stat().st_size if part.exists() else 0


def _unreachable(wanted, reason):
    return OSError(
        f"The {wanted.what} could not be downloaded. Without internet access, download "
        f"{wanted.url} elsewhere and save it as {wanted.path}, or pass its path as "
        f"`{wanted.argument}`. "
        f"Received: {reason}"
    )
