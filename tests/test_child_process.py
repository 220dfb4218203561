"""Child processes: their errors, and the programs that the library runs in them."""

import subprocess
import sys
from pathlib import Path

import pytest

from cctzoo import _workers
from cctzoo.child_process import run_module

pytestmark = pytest.mark.one_backend("jax")  # child processes, which start fastest with JAX

PROGRAMS = sorted(
    path.stem for path in Path(_workers.__file__).parent.glob("*.py") if path.stem != "__init__"
)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit('no such thing')", "ended with code 1 (.|\n)*no such thing"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL, possibly out of memory"),
        ("import os; os.kill(os.getpid(), 15)", "was killed by SIGTERM in a child process"),
    ],
)
def test_the_error_of_a_child(tmp_path, code, message):
    (tmp_path / "some_module.py").write_text(code)
    with pytest.raises(RuntimeError, match=f"some_module {message}"):
        run_module("some_module", PYTHONPATH=str(tmp_path))


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_are_executed_once(program):
    """`runpy` warns if the package has already imported the module that it executes."""
    command = [sys.executable, "-m", f"cctzoo._workers.{program}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "main() missing" in done.stderr  # it ran, without its arguments
    assert "RuntimeWarning" not in done.stderr
