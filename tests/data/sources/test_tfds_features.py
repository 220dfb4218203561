"""A prepared TFDS set from elsewhere imports no module."""

import json

import pytest

from cctzoo import data
from tests.data.builders import prepare

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


@pytest.mark.parametrize("key", ["pythonClassName", "type"])
@pytest.mark.parametrize("name", ["tiny_flowers", "tiny_flowers:1.0.0"])
def test_features_of_other_modules_are_refused(tmp_path, monkeypatch, name, key):
    """TFDS itself would import the module `planted`, which is on the path."""
    prepare(tmp_path / "sets")
    (tmp_path / "planted.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    (path,) = tmp_path.rglob("features.json")
    found = json.loads(path.read_text())
    found["featuresDict"]["features"]["image"][key] = "planted.Feature"
    path.write_text(json.dumps(found))
    with pytest.raises(ValueError, match=r"must be a class of .*Received: 'planted.Feature'"):
        data.load(name, data_dir=tmp_path / "sets")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", ["", "[]", "[" * 10**5, '{"a": '])
def test_broken_descriptions_are_refused(tmp_path, content):
    prepare(tmp_path)
    (path,) = tmp_path.rglob("features.json")
    path.write_text(content)
    with pytest.raises(ValueError, match=r"must be the features of a TFDS set.*features.json"):
        data.load("tiny_flowers", data_dir=tmp_path)
