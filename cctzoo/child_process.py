"""Runs a module of this package in a new Python process."""

import os
import signal
import subprocess
import sys
from pathlib import Path


def run_module(module: str, *arguments: object, **environment: str) -> None:
    """Runs `python -m module arguments...` and waits for it.

    Args:
        module: dotted name.
        *arguments: converted to str.
        **environment: variables that are added to the environment of this process.

    Raises:
        RuntimeError: if the child fails or is killed; the message has the end of its standard
            error.
    """
    root = str(Path(__file__).parents[1])  # so that a checkout works without installation
    search_path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    child = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": search_path, **environment},
        capture_output=True,
        text=True,
    )
    if child.returncode:
        raise RuntimeError(
            f"{module} {_ending(child.returncode)} in a child process:\n{child.stderr[-2000:]}"
        )


def _ending(code):
    if code > 0:
        return f"ended with code {code}"
    hint = ", possibly out of memory," if code == -signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-code).name}{hint}"
