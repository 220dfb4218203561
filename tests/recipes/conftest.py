"""What the tests of recipes share."""

import runpy
import sys
import types
from pathlib import Path

import keras
import pytest

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a recipe as a script, but in this process: to start one takes 5 s."""

    def run(script, *arguments, folder=tmp_path, status=0):
        """What it wrote to `stdout` and `stderr`, once it has ended with `status`."""
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", [str(RECIPES / script), *map(str, arguments)])
            patch.syspath_prepend((RECIPES / script).parent)  # as of a script
            patch.chdir(folder)
            # benchmark_training.py sets it for its own process.
            patch.setenv("KERAS_BACKEND", keras.backend.backend())
            code = 0
            try:
                runpy.run_path(str(RECIPES / script), run_name="__main__")
            except SystemExit as end:
                code = end.code or 0
        out, err = capsys.readouterr()
        if isinstance(code, str):  # which the interpreter would print
            code, err = 1, err + code
        assert code == status, err
        return types.SimpleNamespace(stdout=out, stderr=err.strip())

    return run
