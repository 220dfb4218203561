"""Sentences of the Python standard library's own documentation: texts that need no download."""

import ast
import re
import sysconfig
import zlib
from pathlib import Path

import numpy as np

# Those with most to read among what every distribution of Python 3.11 and later holds.
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
WORDS = 4  # that a sentence has at least: "Return the result." says nothing of its module
DOCUMENTED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def load_docstrings():
    """((x_train, y_train, x_test, y_test), classes, objects); see `data.load`.

    `objects` are the qualified names of the class or function that each training sentence is
    of. An object is in the test part if the checksum of its name says so: an object's part
    does not change with the version of Python.

    Raises:
        ValueError: where the sources are not.
    """
    found = {}  # {what a sentence says: (sentence, object, label)}; None if several modules do
    for label, module in enumerate(MODULES):
        for name, sentence in _sentences(module):
            key = " ".join(re.findall(r"\w+", sentence.lower()))
            first = found.setdefault(key, (sentence, name, label))
            if first and first[2] != label:
                found[key] = None
    rows = [row for row in found.values() if row]
    texts, objects = (np.array([row[i] for row in rows], object) for i in (0, 1))
    labels = np.array([row[2] for row in rows], "int64")
    test = np.array([zlib.crc32(name.encode()) % 5 == 0 for name in objects])  # a fifth
    parts = texts[~test], labels[~test], texts[test], labels[test]
    return parts, list(MODULES), objects[~test]


def _sentences(module):
    """(qualified name, sentence) of a module's top-level classes and functions."""
    for path, name in _sources(module):
        for thing in ast.parse(path.read_bytes()).body:
            if isinstance(thing, DOCUMENTED):
                parts = (part for part in ast.walk(thing) if isinstance(part, DOCUMENTED))
                for part in parts:  # a class and its methods
                    for sentence in _split(ast.get_docstring(part) or ""):
                        yield f"{name}.{thing.name}", sentence


def _sources(module):
    """(path, dotted name) of a module's files, without its tests."""
    root = Path(sysconfig.get_path("stdlib"))
    files = [root / f"{module}.py", *sorted((root / module).rglob("*.py"))]
    names = [file.relative_to(root).with_suffix("").parts for file in files if file.is_file()]
    if not names:
        raise ValueError(
            "'docstrings' must find the sources of Python's standard library, which some "
            f"distributions leave out. Received: {root} without {module}.py and {module}/*.py"
        )
    names = [name for name in names if "test" not in name]
    return [(root.joinpath(*name).with_suffix(".py"), ".".join(name)) for name in names]


def _split(docstring):
    """The sentences, which end with a mark and hold a few words; no examples of code."""
    for paragraph in re.split(r"\n\s*\n", docstring):
        text = " ".join(paragraph.split())
        for sentence in re.split(r"(?<=[.!?])\s+(?=\W?[A-Z])", text):
            enough = len(re.findall(r"\w+", sentence)) >= WORDS
            if enough and sentence[-1] in ".!?" and ">>>" not in text:
                yield sentence
