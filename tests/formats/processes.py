"""Other processes and threads: they hold locks, and are killed."""

import contextlib
import errno
import os
import signal
import threading
import time

from cctzoo.formats.lock import locked


def forked(function):
    """Enters `function()` in a child, which then waits; returns the id of the child after that.

    A new Python process would import the package for seconds. Only under PyTorch: JAX warns.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            with function():
                os.write(writing, b"x")
                time.sleep(60)
        finally:
            os._exit(1)
    os.close(writing)
    assert os.read(reading, 1) == b"x"
    os.close(reading)
    return child


def kill(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def no_locks(file):
    """Stands for a file system without locks."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@contextlib.contextmanager
def in_use(directory):
    """Within the block, another thread has locked the directory."""
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with locked(directory):
            entered.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    try:
        yield
    finally:
        leave.set()
        thread.join()
