"""The names of models, which become file names, paths in files, and output of the terminal."""

from typing import Any

from cctzoo.messages import received

MAX_LETTERS = 200


def check_name(name: Any) -> None:
    """Raises ValueError unless `name` can be the name of a model."""
    letters = isinstance(name, str) and 0 < len(name) <= MAX_LETTERS
    if not letters or not name.isprintable() or {"/", "\\"} & set(name):
        raise ValueError(
            f"The `name` of a model must be a str of 1 to {MAX_LETTERS} printable characters, "
            f"without slashes. {received(name=name)}"
        )
