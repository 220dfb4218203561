"""The command `cctzoo`: its words, its help and its exit codes.

The help of each command is stored in cctzoo/commands/help, so that it appears without importing
Keras. To write it: `python -m tests.test_commands`.
"""

import importlib
import os

import pytest

from cctzoo.commands.main import COMMANDS, HELP

COLUMNS = "100"

pytestmark = pytest.mark.one_backend("torch")


def help_of(name):
    """What the parser of a command prints for --help, 100 columns wide."""
    module = importlib.import_module(f"cctzoo.commands.{COMMANDS[name][0]}")
    parser = module.make_parser(module.__doc__)
    parser.prog = f"cctzoo {name}"
    os.environ["COLUMNS"] = COLUMNS
    return parser.format_help()


@pytest.mark.parametrize("name", COMMANDS)
def test_stored_help_is_that_of_the_parser(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", COLUMNS)
    assert (HELP / f"{name}.txt").read_text() == help_of(name)


if __name__ == "__main__":
    HELP.mkdir(exist_ok=True)
    for command_name in COMMANDS:
        (HELP / f"{command_name}.txt").write_text(help_of(command_name))
        print(HELP / f"{command_name}.txt")
