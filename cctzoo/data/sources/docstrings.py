"""Sentences from the docstrings of the Python standard library: texts that need no download."""

import ast
import re
import sysconfig
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cctzoo.data.sources.parts import Parts

# The modules with the most docstrings among those in every distribution of Python 3.11+.
MODULES = (
    "asyncio",
    "doctest",
    "email",
    "http",
    "importlib",
    "inspect",
    "logging",
    "typing",
    "unittest",
    "xml",
)
LEAST_WORDS = 4  # per sentence: "Return the result." does not tell its module
DOCUMENTED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def load_docstrings() -> Parts:
    """Loads labelled sentences; see `data.load`.

    The groups are the qualified names of the documented classes and functions. The checksum of
    the name decides whether a group is in the test part, so that it is the same in every
    version of Python.

    Raises:
        ValueError: if the sources of the standard library are missing.
    """
    found = {}  # {words: (sentence, object, label), or None if several modules have them}
    for label, module in enumerate(MODULES):
        for name, sentence in documented_sentences(module):
            key = " ".join(re.findall(r"\w+", sentence.lower()))
            first = found.setdefault(key, (sentence, name, label))
            if first and first[2] != label:
                found[key] = None
    rows = [row for row in found.values() if row]
    texts, objects = (np.array([row[i] for row in rows], object) for i in (0, 1))
    labels = np.array([row[2] for row in rows], "int64")
    test = np.array([zlib.crc32(name.encode()) % 5 == 0 for name in objects])  # a fifth
    train, held = (texts[~test], labels[~test]), (texts[test], labels[test])
    return Parts(*train, *held, list(MODULES), groups=objects[~test])


def documented_sentences(module: str) -> Iterator[tuple[str, str]]:
    """Yields (qualified name, sentence) for a module's top-level classes and functions."""
    for path, name in _sources(module):
        for thing in ast.parse(path.read_bytes()).body:
            if isinstance(thing, DOCUMENTED):
                parts = (part for part in ast.walk(thing) if isinstance(part, DOCUMENTED))
                for part in parts:  # a class and its methods
                    for sentence in _split(ast.get_docstring(part) or ""):
                        yield f"{name}.{thing.name}", sentence


def _sources(module):
    """Returns (path, dotted name) for each of a module's files, except its tests."""
    root = Path(sysconfig.get_path("stdlib"))
    files = [root / f"{module}.py", *sorted((root / module).rglob("*.py"))]
    names = [file.relative_to(root).with_suffix("").parts for file in files if file.is_file()]
    if not names:
        raise ValueError(
            "The data set 'docstrings' needs the sources of Python's standard library, which some "
            f"distributions omit. Received: {root} without {module}.py and {module}/*.py"
        )
    names = [name for name in names if "test" not in name]
    return [(root.joinpath(*name).with_suffix(".py"), ".".join(name)) for name in names]


def _split(docstring):
    """Yields the sentences that end with a mark and are long enough, without code examples."""
    for paragraph in re.split(r"\n\s*\n", docstring):
        text = " ".join(paragraph.split())
        for sentence in re.split(r"(?<=[.!?])\s+(?=\W?[A-Z])", text):
            enough = len(re.findall(r"\w+", sentence)) >= LEAST_WORDS
            if enough and sentence[-1] in ".!?" and ">>>" not in text:
                yield sentence
