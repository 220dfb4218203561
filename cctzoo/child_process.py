"""Runs a module of this package in a new Python process, which ends with its parent.

A parent that is killed cannot end its children. Each child therefore reads from a pipe whose other
end only the parent holds: the operating system closes it when the parent ends, however it ends.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

PARENT = "CCTZOO_PARENT"  # set for a child whose standard input is the pipe of its parent


class ChildFailed(RuntimeError):
    """A child process has failed, or was killed."""


def run_module(module: str, *arguments: object, **environment: str) -> None:
    """Runs `python -m module arguments...` and waits for it.

    Args:
        module: dotted name.
        *arguments: converted to str.
        **environment: variables that are added to the environment of this process.

    Raises:
        ChildFailed: if the child fails or is killed; the message has the end of its standard
            error.
    """
    root = str(Path(__file__).parents[1])  # so that a checkout works without installation
    search_path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with ends_with_parent() as (stdin, variables):
        child = subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": search_path, **variables, **environment},
            stdin=stdin,
            capture_output=True,
            text=True,
        )
    if child.returncode:
        raise ChildFailed(
            f"{module} {_ending(child.returncode)} in a child process:\n{child.stderr[-2000:]}"
        )


@contextlib.contextmanager
def ends_with_parent() -> Iterator[tuple[int, dict[str, str]]]:
    """Yields what a child process needs, so that `end_with_parent` ends it after this process.

    Yields:
        (standard input, additional environment variables) of the child. The block must last as
        long as the child.
    """
    reading, writing = os.pipe()  # no child inherits the end for writing
    try:
        yield reading, {PARENT: str(os.getpid())}
    finally:
        os.close(reading)
        os.close(writing)


def end_with_parent() -> bool:
    """Ends this process at once when its parent ends, if the parent used `ends_with_parent`.

    Returns:
        Whether it did. The variable is removed, because it is not for this process' own children.
    """
    if os.environ.pop(PARENT, None) is None:
        return False
    threading.Thread(target=_exit_at_end_of, args=(sys.stdin.fileno(),), daemon=True).start()
    return True


def _exit_at_end_of(pipe):
    while os.read(pipe, 1):
        pass
    os._exit(1)


def _ending(code):
    if code > 0:
        return f"ended with code {code}"
    hint = ", possibly out of memory," if code == -signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-code).name}{hint}"
