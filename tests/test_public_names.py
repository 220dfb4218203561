"""The public names of cctzoo, frozen in `public_names.txt`."""

import importlib
import sys
from pathlib import Path

import pytest

import cctzoo

pytestmark = pytest.mark.one_backend("jax")

FROZEN = Path(__file__).with_name("public_names.txt")
UPDATE = "python -m tests.test_public_names"


def public_names():
    """`cctzoo.ROOM.NAME` for each name of each `__all__`, one per line."""
    lines = [f"cctzoo.{name}" for name in sorted(cctzoo.__all__)]
    for room in cctzoo.ROOMS:
        names = importlib.import_module(f"cctzoo.{room}").__all__
        lines += [f"cctzoo.{room}.{name}" for name in sorted(names)]
    return "\n".join(lines) + "\n"


def test_public_names_are_frozen():
    message = f"Public names changed. If you intend it, run `{UPDATE}` and edit CHANGELOG.md."
    assert FROZEN.read_text(encoding="utf-8").splitlines() == public_names().splitlines(), message


def test_public_names_exist():
    for line in public_names().splitlines():
        module, _, name = line.rpartition(".")
        assert hasattr(importlib.import_module(module), name), line


if __name__ == "__main__":
    FROZEN.write_text(public_names(), encoding="utf-8")
    sys.stdout.write(f"{FROZEN}: written\n")
