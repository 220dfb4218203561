"""Locks between processes and threads: who writes a directory, and which drafts are in use.

A lock is a lock of the operating system on a hidden file. It ends with its process, also by
SIGKILL, and its owner removes the file. `.cctzoo-lock` alone therefore means nothing: a killed
process leaves it, and the next owner removes it.
"""

import contextlib
import errno
import os
import re
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from cctzoo.messages import received
from cctzoo.typing import PathLike

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

HIDDEN = ".cctzoo-"  # all locks and drafts have names that start with this
LOCK = f"{HIDDEN}lock"
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}  # e.g. some NFS mounts
OWNER = re.compile(r"process \d+ on [\w.-]{1,255}", re.ASCII)
POLL_SECONDS = 0.1
TRIES = 100  # to create a directory that another process removes

_threads: dict[str, int] = {}  # locked directory -> the thread that has locked it


class DirectoryInUse(ValueError):
    """Another process, or another thread, is writing the directory."""


@contextlib.contextmanager
def locked(directory: PathLike) -> Iterator[None]:
    """Within the block, no other process or thread can lock the directory.

    The directory is created if it does not exist. If the block leaves it empty, it is removed
    again, with the parents that were created. The thread that has the lock may enter again.

    A file system without locks gives a warning, and the block is executed without a lock.

    Args:
        directory: the directory. It is written by this process only, as long as all writers
            use this function.

    Raises:
        DirectoryInUse: if it is locked. Nothing is written then.
    """
    directory, name = Path(directory), os.path.realpath(directory)
    if _threads.get(name) == threading.get_ident():
        yield
        return
    file, created = _lock_directory(directory)
    try:
        if file is not None:
            _write_owner(file)
            _threads[name] = threading.get_ident()
        yield
    finally:
        if file is not None:
            del _threads[name]
            release(directory / LOCK, file)
        with contextlib.suppress(OSError):  # not empty
            for folder in created:
                folder.rmdir()


@contextlib.contextmanager
def waiting(path: PathLike) -> Iterator[bool]:
    """Waits until no other process or thread has locked a file, and locks it within the block.

    Args:
        path: of the file, which exists only while it is locked.

    Yields:
        Whether it is locked. It is not on a file system without locks.
    """
    try:
        while (file := acquire(path)) is None:
            time.sleep(POLL_SECONDS)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        yield False
        return
    try:
        yield True
    finally:
        release(path, file)


def acquire(path: PathLike, *, create: bool = True) -> int | None:
    """Opens and locks a file; returns its descriptor, or None if the file is locked already.

    Args:
        path: of the file.
        create: create the file if it does not exist.

    Raises:
        OSError: if the file cannot be opened. Its `errno` is in `NO_LOCKS` if the file system
            has no locks; the file is removed then if `create` is true.
    """
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | (os.O_CREAT if create else 0)
    while True:
        file = os.open(path, flags, 0o666)
        try:
            if not _lock(file):
                os.close(file)
                return None
            if _is_file(path, file):
                return file
        except OSError as error:
            if create and error.errno in NO_LOCKS:
                os.unlink(path)
            os.close(file)
            raise
        os.close(file)  # its last owner has removed the file since it was opened


def release(path: PathLike, file: int) -> None:
    """Removes and unlocks a file of `acquire`."""
    with contextlib.suppress(OSError):  # Windows does not remove an open file: it is kept
        if _is_file(path, file):
            os.unlink(path)  # while it is locked: another process that waits notices it
    os.close(file)


def _lock_directory(directory):
    """Returns the descriptor of the lock, or None without locks, and the created folders."""
    for _ in range(TRIES):
        created = _create(directory)
        try:
            file = acquire(directory / LOCK)
        except FileNotFoundError:
            continue  # another process has removed the directory, which it left empty
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            warnings.warn(
                f"The file system of {str(directory)!r} has no locks. Make sure that no other "
                "process writes this directory.",
                stacklevel=4,
            )
            return None, created
        if file is None:
            raise DirectoryInUse(
                "Another process is writing this directory: wait for its end, or choose another "
                f"one. {received(directory=str(directory))}, in use by {_owner(directory)}"
            )
        return file, created
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(directory))


def _create(directory):
    """Creates a directory with its parents; returns those that did not exist, innermost first."""
    new = [each for each in (directory, *directory.parents) if not each.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return new


def _write_owner(file):
    """Writes who has the lock, for the message to others."""
    with contextlib.suppress(OSError):  # a full disk: the message is less helpful then
        os.ftruncate(file, 0)
        os.write(file, f"process {os.getpid()} on {socket.gethostname()}".encode())


def _owner(directory):
    try:
        text = (directory / LOCK).read_bytes()[:300].decode(errors="replace")
    except OSError:
        text = ""
    return text if OWNER.fullmatch(text) else "an unknown process"


def _is_file(path, file):
    """Whether an open file is still the one at `path`."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False


def _lock(file):
    """Locks an open file; returns False if another process or thread has locked it."""
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.lseek(file, 2**30, os.SEEK_SET)  # behind the text, which others must read
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True
