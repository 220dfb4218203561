"""The index of a large folder of images: read once, and again only what has changed."""

import os

import numpy as np
import pytest
from PIL import Image

from cctzoo import data
from cctzoo.data.sources import folder, folder_index, read_images
from cctzoo.data.sources.folder_index import FolderIndex

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder with two classes of six images; those that are decoded are counted."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for module in (folder, folder_index):
        monkeypatch.setattr(module, "LEAST", 10)
    rng = np.random.default_rng(0)
    for name in ("cat", "dög"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(6):
            pixels = rng.integers(0, 256, (8, 9, 3), "uint8")
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


@pytest.fixture
def decoded(monkeypatch):
    files, decode = [], read_images.decode

    def counting(content, name, **options):
        files.append(os.path.basename(name))
        return decode(content, name, **options)

    monkeypatch.setattr(read_images, "decode", counting)
    return files


def load(photos):
    return data.load(f"folder:{photos}", image_size=8)


def test_only_changed_images_are_read_again(photos, decoded):
    first = load(photos)
    assert len(decoded) == 12
    decoded.clear()
    second = load(photos)
    assert decoded == []
    assert first.fingerprint() == second.fingerprint()
    Image.new("RGB", (20, 20), "red").save(photos / "cat" / "3.png")
    Image.new("RGB", (20, 20), "red").save(photos / "dög" / "new.png")
    (photos / "cat" / "0.png").unlink()
    third = load(photos)
    assert sorted(decoded) == ["3.png", "new.png"]
    assert third.fingerprint() != second.fingerprint()
    decoded.clear()
    assert load(photos).fingerprint() == third.fingerprint()
    assert decoded == []


def test_unreadable_images_are_read_every_time(photos, decoded):
    (photos / "cat" / "0.png").write_bytes(b"no image")
    for _ in range(2):
        with pytest.raises(ValueError, match="1 of 12 images are unreadable"):
            load(photos)
    assert decoded.count("0.png") == 3  # the one of the other class once
    assert len(decoded) == 13


def test_another_size_needs_no_reading_but_is_checked(photos, decoded):
    Image.new("RGB", (4000, 1), "red").save(photos / "cat" / "0.png")
    data.load(f"folder:{photos}", image_size=(1, 4000))
    decoded.clear()
    with pytest.raises(ValueError, match="1 of 12 images are unreadable"):
        data.load(f"folder:{photos}", image_size=4096)
    assert decoded == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip file", "arrays"])
def test_a_broken_index_is_made_again(photos, decoded, content, caplog):
    expected = load(photos).fingerprint()
    index = FolderIndex(photos, [""] * 12).path
    if content == "arrays":
        with open(index, "wb") as file:
            np.savez(file, names=np.array([b"x"]), modes=np.zeros(1), numbers=np.zeros((1, 6)))
    else:
        index.write_bytes(content)
    decoded.clear()
    with caplog.at_level("INFO"):
        assert load(photos).fingerprint() == expected
    assert len(decoded) == 12
    assert "All images are read again" in caplog.text
    decoded.clear()
    assert load(photos).fingerprint() == expected
    assert decoded == []


def test_a_cache_that_cannot_be_written_is_no_error(photos, decoded, caplog, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(photos / "cat" / "1.png"))
    with caplog.at_level("INFO"):
        load(photos)
    assert "cannot be kept" in caplog.text
