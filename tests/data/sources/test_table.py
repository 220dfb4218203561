"""The table of sources: every row is reachable, checked and complete."""

import inspect
import subprocess
import sys

import pytest

from cctzoo import data
from cctzoo.data.names import kind_of
from cctzoo.data.sources import FORMS, SOURCES, TFDS, find_source

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files

COMMON = {"name", "validation", "seed", "train_samples", "test_samples"}  # of all sources


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.form)
def test_every_row(source, tmp_path):
    path = tmp_path
    if source.path == "file":
        path = tmp_path / "file"
        path.touch()
    name = source.form.replace("PATH", str(path))
    found, arguments = find_source(name)
    assert found is source
    assert arguments == ((path,) if source.path else ())
    data.check_name(name)
    assert kind_of(name) == source.kind
    assert source.form in FORMS
    assert f'"{source.form}"' in data.load.__doc__


@pytest.mark.parametrize("source", [*SOURCES, TFDS], ids=lambda source: source.form)
def test_options_are_those_of_load(source):
    options = set(inspect.signature(data.load).parameters) - COMMON
    assert set(source.options) <= options
    if source is not TFDS:  # whose function is imported lazily
        keywords = list(inspect.signature(source.load).parameters)
        assert set(keywords) - {"path"} == set(source.options)


def test_other_names_are_tfds_names():
    assert find_source("cifar10:3.0.2") == (TFDS, ("cifar10:3.0.2",))
    assert kind_of("cifar10") is None
    for name in ("npz", "csv", "digits:x", "folders:x"):
        assert find_source(name)[0] is TFDS


def test_current_folder_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data.check_name("folder:.")


def test_import_is_lazy():
    code = "import sys, cctzoo.data.sources as s; print('tensorflow_datasets' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.stdout == "False\n", child.stderr[-2000:]
