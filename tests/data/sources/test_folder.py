"""The files of a folder data set: what is read, what is reported and what is refused."""

import os

import numpy as np
import pytest
from PIL import Image

from cctzoo import data
from tests.data.pictures import encoded, load_pictures, picture, save_classes

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def test_subsets_are_stratified(tmp_path):
    root = save_classes(tmp_path, {"a": 10, "b": 20})
    loaded = load_pictures(root, train_samples=12, test_samples=3, validation=0.5)
    np.testing.assert_array_equal(np.bincount(loaded.y_train), [2, 4])
    np.testing.assert_array_equal(np.bincount(loaded.y_validation), [2, 4])
    np.testing.assert_array_equal(np.bincount(loaded.y_test), [1, 2])
    with pytest.raises(ValueError, match="train_samples=25, samples=24"):
        load_pictures(root, train_samples=25)


def test_system_files_are_ignored(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    for folder in (root, root / "a"):
        for name in (".hidden", "__MACOSX", "@eaDir", "lost+found"):
            (folder / name).mkdir()
        for name in (".DS_Store.png", "Thumbs.db", "Desktop.ini", "ehthumbs.db", "Icon\r"):
            (folder / name).write_text("no image")
    (root / "a" / "000.png").rename(root / "a" / "000.PNG")
    loaded = load_pictures(root)
    assert len(loaded.x_train) + len(loaded.x_test) == 10
    assert loaded.classes == ["a", "b"]


def test_files_that_are_not_read_are_counted(tmp_path):
    root = save_classes(tmp_path / "train", {"a": 5, "b": 5})
    save_classes(tmp_path / "test", {"a": 1, "b": 1})
    (root / "a" / "000.png").rename(root / "a" / "000")  # an image without a suffix is read
    (root / "a" / "001.png").rename(root / "a" / "001.jfif")  # by its content
    for i in range(3):
        (root / "a" / f"{i}.HEIC").write_text("an image of a phone")
    (root / "b" / "notes.txt").write_text("no image")
    (tmp_path / "test" / "stray.txt").write_text("no image")
    (tmp_path / "README").write_text("no image")
    with pytest.warns(UserWarning, match="not read") as warned:
        loaded = load_pictures(tmp_path)
    assert [str(each.message) for each in warned] == [
        f"6 files are not read in {tmp_path}: 3 .heic, 2 .txt, 1 without a suffix. To use .heic "
        "images, convert them to JPEG or PNG"
    ]
    assert (len(loaded.x_train), len(loaded.x_test)) == (10, 2)


def test_stray_images_next_to_class_folders_are_counted(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    for i in range(7):
        (root / f"stray{i}.x{i}").write_text("no image")
    picture(0).save(root / "stray.png")
    with pytest.warns(UserWarning, match=r"8 files are not read in .*: 1 \.png, 1 \.x0, .* 3 of o"):
        load_pictures(root)


def test_entries_that_are_not_files(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    (root / "a" / "link.png").symlink_to(root / "nowhere.png")
    os.mkfifo(root / "a" / "pipe.png")
    with pytest.raises(ValueError, match=r"2 of 12 .*link.png \(not a file\), .*pipe.png \(not"):
        load_pictures(root)
    os.mkfifo(root / "a" / "pipe")
    with pytest.warns(UserWarning, match="2 of 12 images|1 file is not read") as warned:
        load_pictures(root, skip_unreadable=True)
    assert len(warned) == 2


def test_images_with_pixels_of_0_and_1(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5}, mode="L")
    for path in root.rglob("*.png"):
        Image.fromarray(np.eye(20, dtype="uint8")).save(path)
    with pytest.warns(UserWarning, match="The pixels of all images are 0 or 1"):
        load_pictures(root)
    picture(0, mode="L").save(path)
    load_pictures(root)


def test_broken_exif_data_are_counted(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    picture(0).save(root / "a" / "000.png", exif=b"Exif\0\0no TIFF header")
    match = f"The EXIF orientation of 1 of 10 images cannot be read; .*: {root}/a/000.png"
    with pytest.warns(UserWarning, match=match):
        load_pictures(root)


def test_pixel_statistics_of_evaluation_views(tmp_path):
    loaded = load_pictures(save_classes(tmp_path, {"a": 15, "b": 15}))
    pixels = loaded.x_train.batch(slice(None)).reshape(-1, 3) / 255
    mean, std = loaded.pixel_statistics()
    np.testing.assert_allclose(mean, pixels.mean(0), atol=1e-9)
    np.testing.assert_allclose(std, pixels.std(0), atol=1e-9)


def test_pixel_statistics_of_at_most_1000_images(tmp_path, monkeypatch):
    loaded = load_pictures(save_classes(tmp_path, {"a": 3, "b": 3}))
    many = loaded.x_train[np.zeros(1500, int)]
    seen = []

    def batch(self, indices):
        seen.append(len(indices))
        return np.ones((1, 2, 2, 3), "uint8")

    monkeypatch.setattr(data.EncodedImages, "batch", batch)
    data.Dataset("", [], many, *[None] * 5).pixel_statistics()
    assert sum(seen) == 1000


def break_images(root, count):
    broken = sorted((root / "a").iterdir())[:count]
    for i, path in enumerate(broken):
        content = encoded(picture(0, 300, 300), "JPEG")
        path.write_bytes([content[:-2000], b"no image", b""][i % 3])
    return broken


def test_unreadable_images_are_counted_and_named(tmp_path):
    root = save_classes(tmp_path, {"a": 10, "b": 5})
    broken = break_images(root, 7)
    with pytest.raises(ValueError, match=r"7 of 15 images are unreadable: .*, \.\.\.$") as caught:
        load_pictures(root)
    assert [str(path) in str(caught.value) for path in broken] == [True] * 5 + [False] * 2


def test_skip_unreadable(tmp_path):
    root = save_classes(tmp_path, {"a": 10, "b": 5})
    broken = break_images(root, 3)
    with pytest.warns(UserWarning, match="3 of 15 images cannot be read and are skipped") as warned:
        loaded = load_pictures(root, skip_unreadable=True)
    assert len(warned) == 1
    names = {x.source.name(i) for x in (loaded.x_train, loaded.x_test) for i in range(len(x))}
    assert len(names) == 12
    assert not names & set(map(str, broken))


def test_class_with_only_unreadable_images(tmp_path):
    root = save_classes(tmp_path, {"a": 3, "b": 5})
    break_images(root, 3)
    with (
        pytest.warns(UserWarning, match="3 of 8"),
        pytest.raises(ValueError, match=f"none in {root}/a"),
    ):
        load_pictures(root, skip_unreadable=True)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA", "1"])
def test_mixed_modes(tmp_path, mode, recwarn):
    root = save_classes(tmp_path, {"a": 10, "b": 10})
    odd = root / "a" / "002.png"
    picture(0, mode=mode).save(odd)
    for color_mode, channels in (("rgb", 3), ("grayscale", 1)):
        loaded = load_pictures(root, color_mode=color_mode)
        assert loaded.x_train.batch(slice(None)).shape == (16, 18, 27, channels)
    assert not recwarn
    with pytest.warns(UserWarning, match=rf"converted to RGB.*: 1 of 20, {odd} \({mode}\)"):
        loaded = load_pictures(root)
    assert loaded.x_train.batch(slice(None)).shape == (16, 18, 27, 3)


@pytest.mark.parametrize(
    ("mode", "odd", "channels", "converted"),
    [
        ("L", "L", 1, 0),
        ("LA", "L", 1, 9),
        ("1", "1", 1, 10),
        ("L", "RGB", 3, 9),
        ("RGBA", "RGB", 3, 9),
        ("P", "P", 3, 10),
        ("CMYK", "L", 3, 10),
    ],
)
def test_images_without_colours_stay_grey(tmp_path, recwarn, mode, odd, channels, converted):
    root = save_classes(tmp_path, {"a": 5, "b": 5}, ".tiff", mode=mode)
    picture(0, mode=odd).save(root / "a" / "002.tiff")
    assert load_pictures(root).x_train.shape == (8, 18, 27, channels)
    target = {1: "L", 3: "RGB"}[channels]
    assert len(recwarn) == bool(converted)
    for warning in recwarn:
        assert f"converted to {target}" in str(warning.message)
        assert f": {converted} of 10, " in str(warning.message)


def test_images_of_16_bits(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    picture(0, mode="L").convert("I;16").save(root / "b" / "000.png")
    for color_mode in (None, "grayscale"):
        with pytest.raises(ValueError, match=f"1 of 10 are deeper: {root}/b/000.png"):
            load_pictures(root, color_mode=color_mode)
