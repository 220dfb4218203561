"""Fixture `run`, which runs a recipe."""

import runpy
import sys
import types
from pathlib import Path

import keras
import pytest

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a recipe as a script in this process: a new process takes 5 s to start."""

    def run(script, *arguments, folder=tmp_path, status=0):
        """Returns the `stdout` and `stderr` of a script that ends with `status`."""
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", [str(RECIPES / script), *map(str, arguments)])
            patch.syspath_prepend((RECIPES / script).parent)  # as Python does for a script
            patch.chdir(folder)
            # benchmarks/training.py sets it for its own process.
            patch.setenv("KERAS_BACKEND", keras.backend.backend())
            code = 0
            try:
                runpy.run_path(str(RECIPES / script), run_name="__main__")
            except SystemExit as end:
                code = end.code or 0
        out, err = capsys.readouterr()
        if isinstance(code, str):  # the interpreter prints it
            code, err = 1, err + code
        assert code == status, err
        return types.SimpleNamespace(stdout=out, stderr=err.strip())

    return run
