"""A module of this package run in a fresh Python process."""

import os
import signal
import subprocess
import sys
from pathlib import Path


def run_module(module, *arguments, **environment):
    """Runs `python -m module arguments...` and waits for it.

    Args:
        module: dotted name.
        *arguments: turned into text.
        **environment: variables added to this process's own.

    Raises:
        RuntimeError: if the child fails or is killed, with the end of its standard error.
    """
    root = str(Path(__file__).parents[1])  # so that an uninstalled checkout works too
    search_path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    child = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": search_path, **environment},
        capture_output=True,
        text=True,
    )
    if child.returncode:
        raise RuntimeError(
            f"{module} {_ending(child.returncode)} in its own process:\n{child.stderr[-2000:]}"
        )


def _ending(code):
    if code > 0:
        return f"ended with code {code}"
    hint = ", perhaps for want of memory," if code == -signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-code).name}{hint}"
