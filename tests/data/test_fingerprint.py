"""Fingerprints: the same for a copy of the data elsewhere, another one for other content."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from cctzoo import data
from cctzoo.data.fingerprint import changes
from tests.data.builders import prepare
from tests.data.pictures import encoded, picture

pytestmark = pytest.mark.one_backend("torch")  # NumPy only


def photos(folder, name="photo", count=10):
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            pixels = picture(10 * i + ord(label), 8 + i, 9, "RGB")
            (folder / label / f"{name}{i}.png").write_bytes(encoded(pixels, "PNG"))


def arrays(folder):
    folder.mkdir()
    x = np.random.default_rng(0).integers(0, 256, (40, 4, 5, 3), "uint8")
    y = np.arange(40) % 2
    np.savez(folder / "set.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])


def texts(folder):
    folder.mkdir()
    lines = [json.dumps({"text": f"line {i} \ud83d", "label": i % 3}) for i in range(60)]
    (folder / "set.jsonl").write_text("\n".join(lines))


SOURCES = {"folder:{}": photos, "npz:{}/set.npz": arrays, "jsonl:{}/set.jsonl": texts}


@pytest.mark.parametrize("form", SOURCES)
def test_a_copy_elsewhere_has_the_same_content(tmp_path, form):
    SOURCES[form](tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    here, there = (data.load(form.format(tmp_path / place)) for place in ("here", "there"))
    assert changes(here.fingerprint(), there.fingerprint()) == ""
    other_seed = data.load(form.format(tmp_path / "here"), seed=1)
    assert "the validation part changed" in changes(here.fingerprint(), other_seed.fingerprint())
    found = json.loads(json.dumps(here.fingerprint()))
    assert changes(found, there.fingerprint()) == ""
    assert found["shape"] == list(here.x_train.shape[1:])


def test_added_and_changed_files_of_a_folder(tmp_path):
    photos(tmp_path)
    then = data.load(f"folder:{tmp_path}", validation=0.25)
    before = then.fingerprint()
    assert before["parts"]["train"]["samples"] == 12
    renamed = tmp_path / "a" / "photo0.PNG"
    (tmp_path / "a" / "photo0.png").rename(renamed)  # in the same place in the order
    assert data.load(f"folder:{tmp_path}", validation=0.25).fingerprint() == before
    renamed.write_bytes(encoded(picture(3, 8, 9, "RGB"), "PNG"))
    found = changes(before, data.load(f"folder:{tmp_path}", validation=0.25).fingerprint())
    assert "part changed" in found
    assert ";" not in found  # one part only
    photos(tmp_path, "more", 2)
    found = changes(before, data.load(f"folder:{tmp_path}", validation=0.25).fingerprint())
    assert "the train part changed (12 samples then and 16 now)" in found
    (tmp_path / "b").rename(tmp_path / "c")
    found = changes(before, data.load(f"folder:{tmp_path}", validation=0.25).fingerprint())
    assert found.startswith("the classes were 'a', 'b' and are 'a', 'c'")


def test_arrays_and_texts_differ_by_content_labels_and_shape():
    x, y = np.arange(24, dtype="uint8").reshape(2, 3, 4, 1), np.array([0, 1])
    parts = dict(zip(("x_train", "y_train"), (x, y), strict=True))
    parts |= {
        f"{axis}_{part}": parts[f"{axis}_train"] for axis in "xy" for part in ("validation", "test")
    }
    dataset = data.Dataset("mine", ["a", "b"], **parts)
    others = [
        {"x_train": x + 1},
        {"x_train": x.reshape(2, 4, 3, 1)},
        {"x_train": x[::-1]},
        {"y_train": 1 - y},
        {"x_train": np.array(["ab", "c"], object)},
        {"x_train": np.array(["a", "bc"], object)},
        {"classes": ["b", "a"]},
    ]
    found = [
        dataclasses.replace(dataset, **each).fingerprint()["parts"]["train"] for each in others
    ]
    found.append(dataset.fingerprint()["parts"]["train"])
    assert len({part["sha256"] for part in found}) == len(others) + 1
    assert dataset.fingerprint() == dataclasses.replace(dataset, x_train=x.copy()).fingerprint()


def test_tfds_set_that_is_read_on_demand(tmp_path):
    """Neither the folder nor the format of the files counts; sizes and labels do."""
    sets = [
        {},
        {"file_format": "tfrecord"},
        {"splits": {"train": np.arange(30)[::-1] % 3, "test": np.arange(9) % 3}},
        {"form": "PNG"},
    ]
    found = []
    for i, options in enumerate(sets):
        name = prepare(tmp_path / str(i), **options)
        found.append(data.load(name, data_dir=tmp_path / str(i)).fingerprint())
    assert changes(found[0], found[1]) == ""
    assert all(
        "the train part changed (27 samples" in changes(found[0], each) for each in found[2:]
    )


def test_sources_of_images_without_an_identity_are_read():
    class Source(list):
        def subset(self, indices):
            return Source(self[i] for i in indices)

    images = data.EncodedImages(Source([b"one", b"two"]), (4, 4))
    dataset = data.Dataset("mine", ["a", "b"], *(images, np.array([0, 1])) * 3)
    parts = dataset.fingerprint()["parts"]
    assert parts["train"] == parts["test"]
    other = dataclasses.replace(dataset, x_test=images[[1, 0]]).fingerprint()["parts"]
    assert parts["train"] == other["train"] != other["test"]
