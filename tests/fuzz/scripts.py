"""The scripts for devices, run in this process."""

import contextlib
import importlib
import io
import sys
import unicodedata
from pathlib import Path
from types import ModuleType

DEVICE = Path(__file__).parents[2] / "recipes" / "device"
CONTROL = ("Cc", "Cs", "Zl", "Zp")  # categories of Unicode that a terminal may obey


def load_script(name: str) -> ModuleType:
    """A script for devices as a module."""
    sys.path.insert(0, str(DEVICE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DEVICE))


def run_script(script: ModuleType, arguments: list[str]) -> str:
    """Runs a script and returns what it prints; its errors become ValueErrors.

    Raises:
        ValueError: with the one line with which the script ends or skips an image.
        AssertionError: if the script prints control characters.
    """
    written, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    before, sys.argv = sys.argv, ["script", *arguments]
    try:
        with contextlib.redirect_stdout(written), contextlib.redirect_stderr(errors):
            script.main()
    except SystemExit as end:
        message = end.code if isinstance(end.code, str) else ""
    else:
        message = ""
    finally:
        sys.argv = before
    texts = [message]
    for stream in (written, errors):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8", "replace"))
    if any(unicodedata.category(each) in CONTROL and each != "\n" for each in "".join(texts)):
        raise AssertionError(f"prints control characters: {''.join(texts)!r:.200}")
    if message or texts[2]:
        raise ValueError(message or texts[2])
    return texts[1]
