"""Child processes: their errors, and the programs that the library runs in them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cctzoo import _workers, child_process
from cctzoo.child_process import run_module
from tests.formats.processes import kill

PROGRAMS = sorted(
    path.stem for path in Path(_workers.__file__).parent.glob("*.py") if path.stem != "__init__"
)


@pytest.mark.one_backend("jax")  # with which child processes start fastest
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


CHILD = """
import os, pathlib, runpy, time
runpy.run_path(os.environ["CODE"])["end_with_parent"]()
assert "CCTZOO_PARENT" not in os.environ
pathlib.Path(os.environ["READY"]).write_text(str(os.getpid()))
time.sleep(60)
"""


@pytest.mark.one_backend("torch")
def test_a_child_ends_with_its_killed_parent(tmp_path):
    (tmp_path / "some_module.py").write_text(CHILD)
    ready = tmp_path / "ready"
    variables = {"PYTHONPATH": str(tmp_path), "CODE": child_process.__file__, "READY": str(ready)}
    parent = os.fork()
    if not parent:
        run_module("some_module", **variables)
    wait_until(lambda: ready.exists() and ready.read_text())
    child = int(ready.read_text())
    os.kill(child, 0)  # it runs
    kill(parent)
    wait_until(lambda: not running(child))
    assert not running(child)


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def running(process):
    """Whether a process runs; one that has ended stays in the table until it is waited for."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.one_backend("jax")
@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_are_executed_once(program):
    """`runpy` warns if the package has already imported the module that it executes."""
    command = [sys.executable, "-m", f"cctzoo._workers.{program}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "main() missing" in done.stderr  # it ran, without its arguments
    assert "RuntimeWarning" not in done.stderr
