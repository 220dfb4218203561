"""A module of this package run in a fresh Python process."""

import os
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
        RuntimeError: with the end of the child's standard error, if it fails.
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
            f"{module} ended with code {child.returncode} in its own process:\n"
            f"{child.stderr[-2000:]}"
        )
