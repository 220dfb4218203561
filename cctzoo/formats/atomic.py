"""Files and folders that appear complete or not at all.

Everything is written to a draft in a hidden folder first. The folder of a killed process stays;
the next write in the same place removes it. A lock tells it from those that are still written.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cctzoo.formats import lock
from cctzoo.typing import PathLike

DRAFTS = f"{lock.HIDDEN}draft-"  # the names of the hidden folders in which drafts are written
# A list of numbers as `json` indents it; a text of JSON has no line break.
NUMBERS = re.compile(r"(?<=\[)\n\s*-?\d[-+.\de,\s]*(?=\])")
OLD = "old "  # a folder of `atomic_folder` that is being replaced


@contextlib.contextmanager
def atomic_file(path: PathLike) -> Iterator[Path]:
    """Yields the path of a draft, which replaces the file at `path` when the block ends.

    The draft has the name of `path` and lies in a hidden folder next to it. Other files that
    the block writes next to the draft move with it. If the block fails, the hidden folder is
    removed and the file at `path` is unchanged. The hidden folder of a killed process is removed
    by the next write in the same directory. When several processes write the same file, the last
    one wins.
    """
    path = Path(path)
    with draft_folder(path.parent) as folder, naming(path, folder):
        draft = folder / path.name
        yield draft
        for item in set(folder.iterdir()) - {draft}:
            os.replace(item, path.with_name(item.name))
        os.replace(draft, path)


@contextlib.contextmanager
def atomic_folder(path: PathLike, *, replace: bool = True) -> Iterator[Path]:
    """Yields an empty draft folder, which becomes the folder at `path` when the block ends.

    No system call replaces a folder that is not empty: the old folder is moved away first, and
    is moved back if the draft cannot take its place. When several processes write the same
    folder, the last one wins.

    Args:
        path: of the folder.
        replace: whether an existing folder is replaced.

    Raises:
        ValueError: if `replace` is false and the folder exists when the block ends.
    """
    path = Path(path)
    with draft_folder(path.parent) as folder, naming(path, folder):
        draft = folder / path.name
        draft.mkdir()
        yield draft
        while not _moved(draft, path):
            if not replace:
                raise ValueError(
                    f"`path` must not exist yet. Received: path={str(path)!r}, which another "
                    "process or thread has written in the meantime"
                )
            old = folder / f"{OLD}{path.name}"
            shutil.rmtree(old, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):  # another process has moved it away
                path.rename(old)


def write_text(path: PathLike, text: str) -> None:
    """Writes a text file in UTF-8."""
    with atomic_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: PathLike, figures: Any) -> None:
    """Writes data as JSON, indented, with each list of numbers in one line."""
    text = NUMBERS.sub(lambda found: " ".join(found[0].split()), json.dumps(figures, indent=2))
    write_text(path, text + "\n")


@contextlib.contextmanager
def draft_folder(parent: PathLike) -> Iterator[Path]:
    """Yields a hidden folder in `parent`, which is removed when the block ends.

    Folders of killed processes in `parent` are removed too. On a file system without locks they
    stay, because nothing tells them from those that are in use.
    """
    remove_drafts(parent)
    folder = Path(parent, f"{DRAFTS}{secrets.token_hex(8)}")
    path = folder.with_suffix(".lock")
    try:
        file = lock.acquire(path)
    except OSError as error:
        if error.errno not in lock.NO_LOCKS:
            raise
        file = None
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        _remove(folder)
        if file is not None:
            lock.release(path, file)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yields a folder for temporary files, as `tempfile.TemporaryDirectory`.

    After a kill, the next call of any process of this user removes the folder.
    """
    with draft_folder(tempfile.gettempdir()) as folder:
        yield folder


@contextlib.contextmanager
def naming(path: PathLike, draft: Path | None = None) -> Iterator[None]:
    """Names the file at `path` in an OSError of the block that names no file, or its draft.

    The system's error for a full disk names no file.
    """
    try:
        yield
    except OSError as error:
        named = error.filename
        if isinstance(named, str | os.PathLike):
            if draft is None or not Path(named).is_relative_to(draft):
                raise
        elif named is not None:
            raise
        if error.errno is None:
            raise OSError(f"{str(path)!r} cannot be written: {error}") from error
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_drafts(parent: PathLike) -> None:
    """Removes the drafts that killed processes left in a directory."""
    for path in Path(parent).glob(f"{DRAFTS}*.lock"):
        with contextlib.suppress(OSError):  # of another user, or gone since
            file = lock.acquire(path, create=False)
            if file is None:
                continue  # in use
            folder = path.with_suffix("")
            if not folder.is_symlink():
                _put_back(folder)
            _remove(folder)
            lock.release(path, file)


def _moved(draft, path):
    """Renames a draft; returns False if there is a folder at `path`.

    An empty folder counts too, which a rename would replace on some systems.
    """
    if path.exists():
        return False
    try:
        draft.rename(path)
    except OSError:
        if path.exists():
            return False
        old = draft.with_name(f"{OLD}{path.name}")
        if old.exists():
            old.rename(path)
        raise
    return True


def _put_back(folder):
    """Moves a folder back that a killed `atomic_folder` was replacing."""
    for old in folder.glob(f"{OLD}*"):
        path = folder.with_name(old.name.removeprefix(OLD))
        if not path.exists():
            old.rename(path)


def _remove(folder):
    """Removes a folder. What cannot be removed does not undo what was written."""
    shutil.rmtree(folder, ignore_errors=True)
