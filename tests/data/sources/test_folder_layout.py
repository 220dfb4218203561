"""The layout of a folder data set: parts, classes and what is refused."""

import numpy as np
import pytest

from tests.data.pictures import load_pictures, save_classes

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def test_train_and_test_folders(tmp_path):
    save_classes(tmp_path / "train", {"bee": 4, "Zebra": 2, "ant": 6})
    save_classes(tmp_path / "test", {"ant": 1, "bee": 2, "Zebra": 3})
    loaded = load_pictures(tmp_path)
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
    loaded = load_pictures(tmp_path, validation=0.5)  # is ignored
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
    first, second = (load_pictures(tmp_path, validation=0.25, seed=seed) for seed in (0, 1))
    assert set(caplog.messages) == {
        f"{tmp_path} has no test part: a fixed fifth of train is the test part, 6 of 30 images"
    }
    assert len(first.x_validation) == (4 if name else 6)
    np.testing.assert_array_equal(np.bincount(first.y_test), [2, 4])
    assert first.x_test.source == second.x_test.source
    assert all("/train/" in first.x_test.source.name(i) for i in range(6))


def test_class_folders_that_are_named_as_parts(tmp_path):
    loaded = load_pictures(save_classes(tmp_path, {"train": 5, "test": 5, "val": 5}))
    assert loaded.classes == ["test", "train", "val"]
    root = tmp_path / "more"
    for part in ("train", "test"):
        save_classes(root / part, {"train": 2, "bus": 2})
    assert load_pictures(root).classes == ["bus", "train"]


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
        load_pictures(tmp_path)


def test_class_without_images_in_an_evaluated_part(tmp_path):
    """It can be evaluated all the same; the labels are those of the training part."""
    save_classes(tmp_path / "train", {"a": 5, "b": 5, "c": 5})
    save_classes(tmp_path / "val", {"a": 2, "b": 2, "c": 2})
    save_classes(tmp_path / "test", {"a": 0, "c": 2})
    match = f"2 of 3 classes have no images in {tmp_path}/test .*: a, b"
    with pytest.warns(UserWarning, match=match) as warned:
        loaded = load_pictures(tmp_path)
    assert len(warned) == 1
    assert loaded.y_test.tolist() == [2, 2]
    for path in (tmp_path / "test" / "c").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=f"none in {tmp_path}/test"):
        load_pictures(tmp_path)


def test_class_folders_without_train_and_test(tmp_path):
    loaded = load_pictures(save_classes(tmp_path, {"a": 10, "b": 20}), validation=0.25)
    np.testing.assert_array_equal(np.bincount(loaded.y_test), [2, 4])
    np.testing.assert_array_equal(np.bincount(loaded.y_validation), [2, 4])
    np.testing.assert_array_equal(np.bincount(loaded.y_train), [6, 12])
    parts = loaded.x_train, loaded.x_validation, loaded.x_test
    assert len({x.source.name(i) for x in parts for i in range(len(x))}) == 30
    other = load_pictures(tmp_path, seed=1)
    assert other.x_test.source == loaded.x_test.source  # the test part stays


def test_empty_class_folders_are_named(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5, "c": 0, "d": 0})
    with pytest.raises(ValueError, match=rf"none in {root}/c, {root}/d"):
        load_pictures(root)


def test_no_class_folders(tmp_path):
    with pytest.raises(ValueError, match=rf"Received: {tmp_path} with \[\]"):
        load_pictures(tmp_path)


def test_folders_within_class_folders(tmp_path):
    save_classes(tmp_path / "first", {"a": 3, "b": 3})
    save_classes(tmp_path / "tests", {"a": 3, "b": 3})  # not a name of a test part
    with pytest.raises(ValueError, match="images, not folders"):
        load_pictures(tmp_path)
