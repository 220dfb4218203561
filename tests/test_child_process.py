"""Processes that end badly say how."""

import pytest

from cctzoo.child_process import run_module

pytestmark = pytest.mark.one_backend("jax")  # processes


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit('no such thing')", "ended with code 1 (.|\n)*no such thing"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL, perhaps for want of memory"),
        ("import os; os.kill(os.getpid(), 15)", "was killed by SIGTERM in its own process"),
    ],
)
def test_the_error_of_a_child(tmp_path, code, message):
    (tmp_path / "some_module.py").write_text(code)
    with pytest.raises(RuntimeError, match=f"some_module {message}"):
        run_module("some_module", PYTHONPATH=str(tmp_path))
