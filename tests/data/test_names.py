"""Names of data sets: known and unknown names, and their errors."""

import os
import subprocess
import sys

import pytest

from cctzoo import data
from cctzoo.data.names import check_name
from cctzoo.data.sources import TFDS, find_source
from tests.data.builders import prepare

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


@pytest.mark.parametrize(
    "name",
    [
        "cifar",
        "npz:/nowhere/x.npz",
        "npz:",
        "folder:",
        "folder:/nowhere",
        "csv:/nowhere/x.csv",
        "jsonl:",
        "csv",
        "docstring",
        "",
        "zip:x",
        "Digits",
    ],
)
def test_unknown_names(name):
    for check in (data.check_name, data.load):
        with pytest.raises(ValueError, match=f"Received: name='{name}'"):
            check(name)


def test_file_in_place_of_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for kind in ("npz", "csv", "jsonl"):
        data.check_name(f"{kind}:{tmp_path / 'file'}")
    data.check_name(f"folder:{tmp_path}")
    for name in (f"folder:{tmp_path / 'file'}", f"npz:{tmp_path}", f"jsonl:{tmp_path}"):
        with pytest.raises(ValueError, match=r"that exists"):
            data.check_name(name)


def test_misspelt_name_gets_suggestions():
    with pytest.raises(ValueError, match=r"name='imagnet'. Did you mean: .*imagenet") as caught:
        data.check_name("imagnet")
    paths = "'npz:PATH'", "'folder:PATH'", "'csv:PATH'", "'jsonl:PATH'"
    for word in ("'digits'", "'docstrings'", *paths):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "digits",
        "docstrings",
        "cifar10",
        "cifar10:3.0.2",
        "imagenette/320px-v2",
        "imagenet2012:5.*.*",
        "ag_news_subset",
        "imdb_reviews/plain_text",
    ],
)
def test_known_names(name):
    data.check_name(name)


def test_prepared_set_that_tfds_does_not_list(tmp_path):
    name = prepare(tmp_path)
    data.check_name(name, data_dir=tmp_path)
    with pytest.raises(ValueError, match=name):
        data.check_name(name)


def run(code):
    pytest.importorskip("jax")
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": path}
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert child.returncode == 0, child.stderr[-2000:]
    return child.stdout


def test_check_name_does_not_import_tensorflow():
    code = "import sys; from cctzoo.data import check_name; check_name('cifar10')"
    assert run(f"{code}; print('tensorflow' in sys.modules)") == "False\n"


def test_error_without_tfds_says_how_to_install_it():
    code = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "tensorflow_datasets" else found(name)
from cctzoo.data import check_name
try:
    check_name("cifar10")
except ValueError as error:
    print(error)
"""
    assert "pip install 'cctzoo[recipes]'" in run(code)


def test_a_path_stands_for_its_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name in ("a.npz", "a.csv", "a.jsonl"):
        (tmp_path / name).touch()
        assert find_source(name) == find_source(f"{name.partition('.')[2]}:{name}")
    assert find_source("photos/") == find_source("folder:photos/")
    assert find_source(str(tmp_path / "photos"))[0].form == "folder:PATH"
    for name in ("photos", "nowhere/", "nowhere.npz"):
        assert find_source(name)[0] is TFDS
    with pytest.raises(ValueError, match=r"Did you mean: folder:photos"):
        check_name("photos")
