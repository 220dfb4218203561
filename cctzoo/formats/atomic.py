"""Files that appear complete or not at all."""

import contextlib
import json
import os
import uuid
from pathlib import Path


@contextlib.contextmanager
def atomic_file(path):
    """Yields a draft's path beside `path`, of the same suffix; at the end it takes its place.

    If the block fails the draft is removed and what was at `path` is still there. A process
    killed in between leaves the draft, a hidden file whose name starts with `.draft-`. Several
    processes may write the same file: the last one's stays.
    """
    path = Path(path)
    draft = path.with_name(f".draft-{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path, text):
    """Writes a text file."""
    with atomic_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path, figures):
    """Writes a dict as JSON."""
    write_text(path, json.dumps(figures, indent=2) + "\n")
