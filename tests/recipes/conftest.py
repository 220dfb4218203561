"""What the tests of recipes share."""

import runpy
import sys
from pathlib import Path

import pytest

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Runs a recipe that ends itself, in this process: exit code, last line of its errors."""

    def refused(script, *arguments):
        monkeypatch.setattr(sys, "argv", [str(RECIPES / script), *map(str, arguments)])
        monkeypatch.syspath_prepend(RECIPES)  # as of a script
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("KERAS_BACKEND", "jax")  # which some recipes set for themselves
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(RECIPES / script), run_name="__main__")
        error = capsys.readouterr().err.strip().splitlines()
        if isinstance(end.value.code, str):  # what the interpreter makes of it
            return 1, end.value.code
        return end.value.code, error[-1]

    return refused
