"""Sentences of the standard library: the parts share no sentence and no object."""

import re
import sysconfig
import time

import numpy as np
import pytest

from cctzoo import data
from cctzoo.data.sources import docstrings
from cctzoo.data.sources.docstrings import MODULES, documented_sentences, load_docstrings

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def words(text):
    return " ".join(re.findall(r"\w+", text.lower()))


@pytest.fixture(scope="module")
def sentences():
    """[(module, object, sentence)] of all modules, before duplicates are dropped."""
    return [(m, name, text) for m in MODULES for name, text in documented_sentences(m)]


@pytest.fixture(scope="module")
def loaded():
    return data.load("docstrings", validation=0.2)


def parts(loaded):
    return {
        "train": (loaded.x_train, loaded.y_train),
        "validation": (loaded.x_validation, loaded.y_validation),
        "test": (loaded.x_test, loaded.y_test),
    }


def test_ten_classes_with_enough_sentences(loaded):
    assert loaded.kind == "texts"
    assert loaded.classes == sorted(MODULES)
    assert len(loaded.classes) == 10
    for x, y in parts(loaded).values():
        assert x.shape == y.shape
        assert (x.dtype, y.dtype) == (object, np.int64)
        assert all(type(text) is str for text in x)
        assert set(y) == set(range(10))
    sizes = np.bincount(np.concatenate([y for _, y in parts(loaded).values()]))
    assert sizes.min() >= 150
    assert sizes.sum() >= 3500
    shares = [len(y) / sizes.sum() for _, y in parts(loaded).values()]
    np.testing.assert_allclose(shares, [0.66, 0.17, 0.17], atol=0.06)


def test_sentences_are_unique(loaded):
    everything = [words(text) for x, _ in parts(loaded).values() for text in x]
    assert len(set(everything)) == len(everything)


def test_labels_are_modules(loaded, sentences):
    modules = {}
    for module, _, text in sentences:
        modules.setdefault(words(text), set()).add(module)
    for x, y in parts(loaded).values():
        for text, label in zip(x, y, strict=True):
            assert modules[words(text)] == {loaded.classes[label]}


@pytest.mark.parametrize("options", [{}, {"seed": 5}, {"train_samples": 1500, "validation": 0.3}])
def test_no_object_is_in_two_parts(sentences, options):
    """A sentence that several objects of a module share belongs to the first object."""
    first = {}
    for _, name, text in sentences:
        first.setdefault(words(text), name)
    found = parts(data.load("docstrings", **{"validation": 0.2} | options))
    objects = [{first[words(text)] for text in x} for x, _ in found.values()]
    train, validation, test = objects
    assert not train & validation
    assert not (train | validation) & test
    assert min(map(len, objects)) > 50


def test_load_is_deterministic_and_takes_under_five_seconds():
    start = time.process_time()
    first = load_docstrings()
    assert time.process_time() - start < 5
    for one, other in zip(first, load_docstrings(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_seed_changes_only_the_validation_part(loaded):
    again, other = (data.load("docstrings", validation=0.2, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(loaded.x_validation, again.x_validation)
    np.testing.assert_array_equal(loaded.x_test, other.x_test)
    assert set(loaded.x_validation) != set(other.x_validation)


def test_train_and_test_samples(loaded):
    few = data.load("docstrings", train_samples=500, test_samples=100)
    assert len(few.x_train) + len(few.x_validation) == 500
    assert len(few.x_test) == 100
    assert set(few.x_test) < set(loaded.x_test)
    none = data.load("docstrings", validation=0)
    assert len(none.x_validation) == 0


def library(folder, monkeypatch, changes):
    """A standard library of one short file per module, with `changes`, {file: source}."""
    sources = {f"{m}.py": f'class A:\n    "Four words of {m}."\n' for m in MODULES}
    for file, source in (sources | changes).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(source)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(folder))


def test_which_sentences_are_kept(tmp_path, monkeypatch):
    source = '''
"""The docstring of a module is ignored."""
raise SystemExit("sources are read, not run")

async def wait(seconds):
    """Wait for so
    many seconds.  Then what was said
    is done!

    >>> wait(1)  # This is an example.

    There is no mark at the end of this
    """

class Clock:
    """Short one.  What time is it, e.g. now?"""

    def tick(self):
        """Four words of Inspect"""
        def tock():
            "Four   words, of inspect."
'''
    library(tmp_path, monkeypatch, {"asyncio.py": source, "test/asyncio.py": "("})
    library(
        tmp_path, monkeypatch, {"email.py": "", "email/a/test/b.py": "(", "email/a/b.py": source}
    )
    monkeypatch.setattr(docstrings, "MODULES", ("asyncio", "inspect", "email"))
    assert list(documented_sentences("email")) == [
        ("email.a.b.wait", "Wait for so many seconds."),
        ("email.a.b.wait", "Then what was said is done!"),
        ("email.a.b.Clock", "What time is it, e.g. now?"),
        ("email.a.b.Clock", "Four words, of inspect."),
    ]


def test_sentences_of_two_modules_are_dropped(tmp_path, monkeypatch):
    both = 'def f():\n    "Four words, of  Asyncio!"\n'
    library(tmp_path, monkeypatch, {"xml.py": both, "http.py": both})
    parts = load_docstrings()
    kept = set(parts.classes) - {"asyncio", "http", "xml"}
    assert {*parts.x_train, *parts.x_test} == {f"Four words of {module}." for module in kept}
    assert len(parts.groups) == len(parts.x_train)


def test_missing_sources(tmp_path, monkeypatch):
    library(tmp_path, monkeypatch, {})
    (tmp_path / "http.py").unlink()
    with pytest.raises(ValueError, match=f"Received: {tmp_path} without http.py"):
        load_docstrings()
