"""The standard library's sentences: nothing of one part is in another."""

import functools
import re
import sysconfig
import time

import numpy as np
import pytest

from cctzoo import data
from cctzoo.data import texts
from cctzoo.data.sources import docstrings
from cctzoo.data.sources.docstrings import MODULES, load_docstrings

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def said(text):
    return " ".join(re.findall(r"\w+", text.lower()))


@pytest.fixture(scope="module")
def sentences():
    """[(module, object, sentence)] of all there is, before anything is left out."""
    return [(m, name, text) for m in MODULES for name, text in docstrings._sentences(m)]


@pytest.fixture(scope="module")
def library_read_once():
    """Reading takes most of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "load_docstrings", functools.cache(load_docstrings))
        yield


@pytest.fixture(scope="module")
def loaded(library_read_once):
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


def test_no_sentence_is_there_twice(loaded):
    everything = [said(text) for x, _ in parts(loaded).values() for text in x]
    assert len(set(everything)) == len(everything)


def test_labels_are_the_modules(loaded, sentences):
    modules = {}
    for module, _, text in sentences:
        modules.setdefault(said(text), set()).add(module)
    for x, y in parts(loaded).values():
        for text, label in zip(x, y, strict=True):
            assert modules[said(text)] == {loaded.classes[label]}


@pytest.mark.parametrize("options", [{}, {"seed": 5}, {"train_samples": 1500, "validation": 0.3}])
def test_no_object_is_in_two_parts(library_read_once, sentences, options):
    """Of a sentence that several objects of a module hold, the first one's part counts."""
    first = {}
    for _, name, text in sentences:
        first.setdefault(said(text), name)
    found = parts(data.load("docstrings", **{"validation": 0.2} | options))
    objects = [{first[said(text)] for text in x} for x, _ in found.values()]
    train, validation, test = objects
    assert not train & validation
    assert not (train | validation) & test
    assert min(map(len, objects)) > 50


def test_reading_again_gives_the_same_within_five_seconds():
    start = time.process_time()
    parts, classes, objects = load_docstrings()
    assert time.process_time() - start < 5
    again, same, names = load_docstrings()
    for one, other in zip([*parts, objects], [*again, names], strict=True):
        np.testing.assert_array_equal(one, other)
    assert classes == same


def test_the_seed_chooses_the_validation_part_alone(loaded):
    again, other = (data.load("docstrings", validation=0.2, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(loaded.x_validation, again.x_validation)
    np.testing.assert_array_equal(loaded.x_test, other.x_test)
    assert set(loaded.x_validation) != set(other.x_validation)


def test_whole_samples(loaded):
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


def test_what_is_a_sentence(tmp_path, monkeypatch):
    source = '''
"""Nothing that a module says counts."""
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
    assert list(docstrings._sentences("email")) == [
        ("email.a.b.wait", "Wait for so many seconds."),
        ("email.a.b.wait", "Then what was said is done!"),
        ("email.a.b.Clock", "What time is it, e.g. now?"),
        ("email.a.b.Clock", "Four words, of inspect."),
    ]


def test_what_two_modules_say_is_left_out(tmp_path, monkeypatch):
    both = 'def f():\n    "Four words, of  Asyncio!"\n'
    library(tmp_path, monkeypatch, {"xml.py": both, "http.py": both})
    (x_train, _, x_test, _), classes, objects = load_docstrings()
    kept = {f"Four words of {module}." for module in set(classes) - {"asyncio", "http", "xml"}}
    assert {*x_train, *x_test} == kept
    assert len(objects) == len(x_train)


def test_without_sources(tmp_path, monkeypatch):
    library(tmp_path, monkeypatch, {})
    (tmp_path / "http.py").unlink()
    with pytest.raises(ValueError, match=f"Received: {tmp_path} without http.py"):
        load_docstrings()
