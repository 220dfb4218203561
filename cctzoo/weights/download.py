"""Downloads that resume, are checked before they count, and bear company.

`keras.utils.get_file` neither resumes, nor is it safe for two processes, nor does it leave the
cache clean after a connection that drops: hence the hundred lines. Its cache directory is used.
"""

import contextlib
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request

import numpy as np

from cctzoo.formats.atomic import write_text
from cctzoo.formats.torch_file import open_torch_file
from cctzoo.weights.registry import find

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

TIMEOUT = 30  # seconds without a byte
ATTEMPTS = 5  # that brought nothing, in a row
PAUSE = 1  # seconds between attempts
MOST_BYTES = 2**31  # of a file whose size is not known
CHUNK = 2**20


def fetch(tag):
    """The path of the file of trained weights, downloaded if it is not there yet.

    A file with a known sha256 is used only if it has it. One of which no sha256 is known (the
    authors' checkpoints) must be a whole checkpoint whose checksums hold; its sha256 is
    printed, and kept beside it, and asked of it from then on. That finds damage, not forgery:
    but whatever such a file holds, reading it runs no code.

    Args:
        tag: one of `list_weights()`.

    Raises:
        ValueError: for an unknown tag, or a server that sends another file.
        OSError: if it cannot be downloaded, saying where to put it by hand.
    """
    row = find(tag)
    if row.url is None:
        _check_hash(row.path, row.sha256)
        return row.path
    return download(row.url, row.path, row.sha256, row.size)


def download(url, path, sha256=None, size=None):
    """Downloads to `path`, which appears when the file is whole and checked.

    What came before a connection broke is kept in a hidden file beside it, and the next call
    goes on from there. Another process that wants the same file waits for this one.

    Args:
        url: of the file.
        path: where to put it.
        sha256: that it must have; without, it must be a whole PyTorch checkpoint.
        size: in bytes, if known.

    Returns:
        The path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path):
        known = path.with_name(f"{path.name}.sha256")
        kept = sha256 is None and known.exists()
        if kept:
            sha256 = known.read_text().strip()
        if path.exists():
            with contextlib.suppress(ValueError):
                _check_hash(path, sha256)
                return path
            path.unlink()  # damaged since
        owner = "" if fcntl else f".{os.getpid()}"  # without a lock each has its own, and
        part = path.with_name(f".{path.name}{owner}.part")  # nothing is resumed
        print(f"weights: downloading {url}")
        try:
            digest = _whole(url, path, part, size, sha256)
            if sha256 is None:
                print(f"weights: no sha256 of {path.name} is published; this one has {digest}")
                write_text(known, digest + "\n")
            os.replace(part, path)
        except ValueError as error:
            if not kept:
                raise
            raise ValueError(
                f"{error} (That sha256 is the first download's: remove {known} to take another.)"
            ) from error
        finally:
            if not fcntl:
                part.unlink(missing_ok=True)
    return path


def _whole(url, path, part, size, sha256):
    """Downloads the part to its end; its sha256. A beginning from before may be given up."""
    resumed = part.exists()
    _complete(url, path, part, size)
    try:
        return _verified(part, url, sha256)
    except ValueError:
        if not resumed:
            raise
    _complete(url, path, part, size)  # its beginning may have been another file's
    return _verified(part, url, sha256)


def _verified(part, url, sha256):
    """The sha256 of a whole download; a wrong file is removed, and a ValueError."""
    try:
        digest = _check_hash(part, sha256)
        if sha256 is None:
            with open_torch_file(part) as values:
                _read_all(values)
        return digest
    except ValueError as error:
        part.unlink()
        rule = f"The server's file is not the one that was asked for, {url}."
        raise ValueError(f"{rule} {error}") from error


def _check_hash(path, sha256):
    with open(path, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if sha256 not in (None, digest):
        raise ValueError(
            f"{path.name} must have the sha256 {sha256}. Received: a file of {digest}, "
            f"{path.stat().st_size} bytes"
        )
    return digest


def _read_all(values):
    """Reads every array of a checkpoint once, which compares their checksums."""
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


def _complete(url, path, part, size):
    """Brings the part to its full length, over as many connections as that takes."""
    failures = 0
    while True:
        before = _length(part)
        try:
            if _receive(url, part, size):
                return
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and before:  # nothing comes after what is there
                if before == size:
                    return
                part.unlink()
            elif error.code < 500:
                raise _unreachable(url, path, error) from error
            reason = error
        except (http.client.HTTPException, OSError) as error:
            reason = error
        failures = 0 if _length(part) > before else failures + 1
        if failures == ATTEMPTS or isinstance(getattr(reason, "reason", None), OSError):
            raise _unreachable(url, path, reason)
        time.sleep(PAUSE)


def _receive(url, part, size):
    """Appends what one connection brings; True if the file is whole then."""
    at = _length(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={at}-"} if at else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        rest = response.headers.get("Content-Length")
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {at}-")
        if not at or response.status != 206 or not goes_on:
            at = 0  # this server sends the whole
        total = size if rest is None else at + int(rest)
        if total is None or total > MOST_BYTES or size not in (None, total):
            raise ValueError(
                "A server must say how long its file is, and say what is listed. Received: "
                f"{url} of {total} bytes, {size} expected"
            )
        with open(part, "r+b" if at else "wb") as out:
            out.seek(at)
            while at < total and (chunk := response.read(min(CHUNK, total - at))):
                at += out.write(chunk)
    return at == total


def _length(part):
    return part.stat().st_size if part.exists() else 0


def _unreachable(url, path, reason):
    return OSError(
        f"Weights could not be downloaded. Without internet: fetch {url} elsewhere and put it "
        f"there as {path}, or pass its path as `weights`. Received: {reason}"
    )


@contextlib.contextmanager
def _lock(path):
    """One process at a time; the system lets go of it when a process ends, however it ends."""
    with open(path.with_name(f".{path.name}.lock"), "ab") as stream:
        if fcntl:
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
