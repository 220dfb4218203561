"""Folders of class folders: layouts, and every fault of their files."""

import os

import numpy as np
import pytest
from PIL import Image

from cctzoo import data
from tests.data.pictures import encoded, picture, save_classes

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def load(root, **options):
    return data.load(f"folder:{root}", **{"image_size": (18, 27), "validation": 0} | options)


def test_train_and_test_folders(tmp_path):
    save_classes(tmp_path / "train", {"bee": 4, "Zebra": 2, "ant": 6})
    save_classes(tmp_path / "test", {"ant": 1, "bee": 2, "Zebra": 3})
    loaded = load(tmp_path)
    assert loaded.classes == ["Zebra", "ant", "bee"]  # case-sensitive
    assert loaded.x_train.shape == (12, 18, 27, 3)
    np.testing.assert_array_equal(np.bincount(loaded.y_train), [2, 6, 4])
    np.testing.assert_array_equal(np.bincount(loaded.y_test), [3, 1, 2])
    for x, y in ((loaded.x_train, loaded.y_train), (loaded.x_test, loaded.y_test)):
        for i, label in enumerate(y):
            assert loaded.classes[label] in x.source.name(i)
    assert "train" in loaded.x_train.source.name(0)
    assert "test" in loaded.x_test.source.name(0)


NAMES = [
    ("train", "val", "test"),
    ("Training", "VALID", "Testing"),
    ("TRAIN", "dev", "test"),
    ("training", "Validation", "TEST"),
]


@pytest.mark.parametrize("names", NAMES)
def test_parts_by_name(tmp_path, names):
    for name, count in zip(names, (4, 3, 2), strict=True):
        save_classes(tmp_path / name, {"a": count, "b": count})
    loaded = load(tmp_path, validation=0.5)  # is ignored
    for part, name, count in zip(("train", "validation", "test"), names, (8, 6, 4), strict=True):
        x = getattr(loaded, f"x_{part}")
        assert len(x) == len(getattr(loaded, f"y_{part}")) == count
        assert all(f"/{name}/" in x.source.name(i) for i in range(count))


@pytest.mark.parametrize("name", ["val", "valid", "dev", None])
def test_test_part_is_a_fifth_of_train(tmp_path, name, caplog):
    save_classes(tmp_path / "train", {"a": 10, "b": 20})
    if name:
        save_classes(tmp_path / name, {"a": 2, "b": 2})
    caplog.set_level("INFO", "cctzoo")
    first, second = (load(tmp_path, validation=0.25, seed=seed) for seed in (0, 1))
    assert set(caplog.messages) == {
        f"{tmp_path} has no test part: a fixed fifth of train is the test part, 6 of 30 images"
    }
    assert len(first.x_validation) == (4 if name else 6)
    np.testing.assert_array_equal(np.bincount(first.y_test), [2, 4])
    assert first.x_test.source == second.x_test.source
    assert all("/train/" in first.x_test.source.name(i) for i in range(6))


def test_class_folders_that_are_named_as_parts(tmp_path):
    loaded = load(save_classes(tmp_path, {"train": 5, "test": 5, "val": 5}))
    assert loaded.classes == ["test", "train", "val"]
    root = tmp_path / "more"
    for part in ("train", "test"):
        save_classes(root / part, {"train": 2, "bus": 2})
    assert load(root).classes == ["bus", "train"]


@pytest.mark.parametrize(
    ("folders", "received"),
    [
        (("train/a", "train/b", "val/a", "validation/a"), "val, validation, which all name"),
        (("train/a", "train/b", "Train/a"), "Train, train, which all name the train part"),
        (("train/a", "train/b", "cat", "dog"), "with the part train next to cat, dog"),
        (("train/a", "train/b", "test"), "the part train, and without class folders in test"),
        (("test/a", "test/b"), "with only test"),
        (("val/a", "val/b", "test/a"), "with only test, val"),
        (("train/a", "val/a", "test/a"), r"train with \['a'\]"),
        (("train/a", "train/b", "test/a", "test/c"), r"test with \['c'\], .*train with 'a', 'b'"),
        (("train/a", "train/b", "val/A"), r"val with \['A'\]"),
        (("photos/train/a", "photos/train/b"), r"with \['photos'\]"),
    ],
)
def test_parts_that_cannot_be_understood(tmp_path, folders, received):
    for folder in folders:
        save_classes(tmp_path, {folder: 2})
    with pytest.raises(ValueError, match=f"Received: {tmp_path}.*{received}"):
        load(tmp_path)


def test_class_without_images_in_an_evaluated_part(tmp_path):
    """It can be evaluated all the same; the labels are those of the training part."""
    save_classes(tmp_path / "train", {"a": 5, "b": 5, "c": 5})
    save_classes(tmp_path / "val", {"a": 2, "b": 2, "c": 2})
    save_classes(tmp_path / "test", {"a": 0, "c": 2})
    match = f"2 of 3 classes have no images in {tmp_path}/test .*: a, b"
    with pytest.warns(UserWarning, match=match) as warned:
        loaded = load(tmp_path)
    assert len(warned) == 1
    assert loaded.y_test.tolist() == [2, 2]
    for path in (tmp_path / "test" / "c").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=f"none in {tmp_path}/test"):
        load(tmp_path)


def test_class_folders_without_train_and_test(tmp_path):
    loaded = load(save_classes(tmp_path, {"a": 10, "b": 20}), validation=0.25)
    np.testing.assert_array_equal(np.bincount(loaded.y_test), [2, 4])
    np.testing.assert_array_equal(np.bincount(loaded.y_validation), [2, 4])
    np.testing.assert_array_equal(np.bincount(loaded.y_train), [6, 12])
    parts = loaded.x_train, loaded.x_validation, loaded.x_test
    assert len({x.source.name(i) for x in parts for i in range(len(x))}) == 30
    other = load(tmp_path, seed=1)
    assert other.x_test.source == loaded.x_test.source  # the test part stays


def test_subsets_are_stratified(tmp_path):
    root = save_classes(tmp_path, {"a": 10, "b": 20})
    loaded = load(root, train_samples=12, test_samples=3, validation=0.5)
    np.testing.assert_array_equal(np.bincount(loaded.y_train), [2, 4])
    np.testing.assert_array_equal(np.bincount(loaded.y_validation), [2, 4])
    np.testing.assert_array_equal(np.bincount(loaded.y_test), [1, 2])
    with pytest.raises(ValueError, match="train_samples=25, samples=24"):
        load(root, train_samples=25)


def test_system_files_are_ignored(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    for folder in (root, root / "a"):
        for name in (".hidden", "__MACOSX", "@eaDir", "lost+found"):
            (folder / name).mkdir()
        for name in (".DS_Store.png", "Thumbs.db", "Desktop.ini", "ehthumbs.db", "Icon\r"):
            (folder / name).write_text("no image")
    (root / "a" / "000.png").rename(root / "a" / "000.PNG")
    loaded = load(root)
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
        loaded = load(tmp_path)
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
        load(root)


def test_entries_that_are_not_files(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    (root / "a" / "link.png").symlink_to(root / "nowhere.png")
    os.mkfifo(root / "a" / "pipe.png")
    with pytest.raises(ValueError, match=r"2 of 12 .*link.png \(not a file\), .*pipe.png \(not"):
        load(root)
    os.mkfifo(root / "a" / "pipe")
    with pytest.warns(UserWarning, match="2 of 12 images|1 file is not read") as warned:
        load(root, skip_unreadable=True)
    assert len(warned) == 2


def test_images_with_pixels_of_0_and_1(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5}, mode="L")
    for path in root.rglob("*.png"):
        Image.fromarray(np.eye(20, dtype="uint8")).save(path)
    with pytest.warns(UserWarning, match="The pixels of all images are 0 or 1"):
        load(root)
    picture(0, mode="L").save(path)
    load(root)


def test_broken_exif_data_are_counted(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    picture(0).save(root / "a" / "000.png", exif=b"Exif\0\0no TIFF header")
    match = f"The EXIF orientation of 1 of 10 images cannot be read; .*: {root}/a/000.png"
    with pytest.warns(UserWarning, match=match):
        load(root)


def test_pixel_statistics_of_evaluation_views(tmp_path):
    loaded = load(save_classes(tmp_path, {"a": 15, "b": 15}))
    pixels = loaded.x_train.batch(slice(None)).reshape(-1, 3) / 255
    mean, std = loaded.pixel_statistics()
    np.testing.assert_allclose(mean, pixels.mean(0), atol=1e-9)
    np.testing.assert_allclose(std, pixels.std(0), atol=1e-9)


def test_pixel_statistics_of_at_most_1000_images(tmp_path, monkeypatch):
    loaded = load(save_classes(tmp_path, {"a": 3, "b": 3}))
    many = loaded.x_train[np.zeros(1500, int)]
    seen = []

    def batch(self, indices):
        seen.append(len(indices))
        return np.ones((1, 2, 2, 3), "uint8")

    monkeypatch.setattr(data.EncodedImages, "batch", batch)
    data.Dataset("", [], many, *[None] * 5).pixel_statistics()
    assert sum(seen) == 1000


def test_empty_class_folders_are_named(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5, "c": 0, "d": 0})
    with pytest.raises(ValueError, match=rf"none in {root}/c, {root}/d"):
        load(root)


def test_no_class_folders(tmp_path):
    with pytest.raises(ValueError, match=rf"Received: {tmp_path} with \[\]"):
        load(tmp_path)


def test_folders_within_class_folders(tmp_path):
    save_classes(tmp_path / "first", {"a": 3, "b": 3})
    save_classes(tmp_path / "tests", {"a": 3, "b": 3})  # not a name of a test part
    with pytest.raises(ValueError, match="images, not folders"):
        load(tmp_path)


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
        load(root)
    assert [str(path) in str(caught.value) for path in broken] == [True] * 5 + [False] * 2


def test_skip_unreadable(tmp_path):
    root = save_classes(tmp_path, {"a": 10, "b": 5})
    broken = break_images(root, 3)
    with pytest.warns(UserWarning, match="3 of 15 images cannot be read and are skipped") as warned:
        loaded = load(root, skip_unreadable=True)
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
        load(root, skip_unreadable=True)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA", "1"])
def test_mixed_modes(tmp_path, mode):
    root = save_classes(tmp_path, {"a": 10, "b": 10})
    odd = root / "a" / "002.png"
    picture(0, mode=mode).save(odd)
    with pytest.raises(ValueError, match=rf"1 of 20 are not RGB: {odd} \({mode}\)"):
        load(root)
    assert load(root, color_mode="rgb").x_train.shape[-1] == 3
    loaded = load(root, color_mode="grayscale")
    assert loaded.x_train.batch(slice(None)).shape == (16, 18, 27, 1)


def test_images_all_grey(tmp_path):
    loaded = load(save_classes(tmp_path, {"a": 5, "b": 5}, mode="L"))
    assert loaded.x_train.shape == (8, 18, 27, 1)


def test_images_of_one_other_mode(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5}, mode="RGBA")
    with pytest.raises(ValueError, match="10 of 10 are not"):
        load(root)


def test_images_of_16_bits(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    picture(0, mode="L").convert("I;16").save(root / "b" / "000.png")
    for color_mode in (None, "grayscale"):
        with pytest.raises(ValueError, match=f"1 of 10 are deeper: {root}/b/000.png"):
            load(root, color_mode=color_mode)
