"""Files and folders that appear complete or not at all."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cctzoo.typing import PathLike

DRAFTS = ".draft-"  # the names of the hidden folders in which drafts are written


@contextlib.contextmanager
def atomic_file(path: PathLike) -> Iterator[Path]:
    """Yields the path of a draft, which replaces the file at `path` when the block ends.

    The draft has the name of `path` and lies in a hidden folder next to it. Other files that
    the block writes next to the draft move with it. If the block fails, the hidden folder is
    removed and the file at `path` is unchanged; a killed process leaves the hidden folder, see
    `remove_drafts`. When several processes write the same file, the last one wins.
    """
    path = Path(path)
    with _hidden_folder(path) as folder:
        draft = folder / path.name
        yield draft
        for item in set(folder.iterdir()) - {draft}:
            os.replace(item, path.with_name(item.name))
        os.replace(draft, path)


@contextlib.contextmanager
def atomic_folder(path: PathLike) -> Iterator[Path]:
    """Yields an empty draft folder, which replaces the folder at `path` when the block ends.

    No system call replaces a folder that is not empty: the old folder is moved away first, and
    is moved back if the draft cannot take its place.
    """
    path = Path(path)
    with _hidden_folder(path) as folder:
        draft, old = folder / path.name, folder / f"old {path.name}"
        draft.mkdir()
        yield draft
        if path.exists():
            path.rename(old)
        try:
            draft.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise


def write_text(path: PathLike, text: str) -> None:
    """Writes a text file in UTF-8."""
    with atomic_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: PathLike, figures: Any) -> None:
    """Writes data as JSON."""
    write_text(path, json.dumps(figures, indent=2) + "\n")


def remove_drafts(directory: PathLike) -> None:
    """Removes the drafts that a killed process left in a directory."""
    for draft in Path(directory).glob(f"{DRAFTS}*"):
        if draft.is_dir():
            shutil.rmtree(draft)
        else:
            draft.unlink()


@contextlib.contextmanager
def _hidden_folder(path):
    with tempfile.TemporaryDirectory(prefix=DRAFTS, dir=path.parent) as folder:
        yield Path(folder)
