"""Folders of class folders: layouts, and every fault of their files."""

import numpy as np
import pytest

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


@pytest.mark.parametrize("test", ["val", "validation"])
def test_validation_folder_as_test_part(tmp_path, test):
    save_classes(tmp_path / "train", {"a": 3, "b": 3})
    save_classes(tmp_path / test, {"a": 2, "b": 2})
    assert len(load(tmp_path).x_test) == 4


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


def test_ignored_files(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    (root / ".hidden").mkdir()
    (root / "a" / ".DS_Store.png").write_text("no image")
    (root / "a" / "notes.txt").write_text("no image")
    (root / "a" / "000.png").rename(root / "a" / "000.PNG")
    loaded = load(root)
    assert len(loaded.x_train) + len(loaded.x_test) == 10


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
    save_classes(tmp_path / "train", {"a": 3, "b": 3})
    save_classes(tmp_path / "tests", {"a": 3, "b": 3})  # not a name of a test part
    with pytest.raises(ValueError, match="images, not folders"):
        load(tmp_path)


def test_classes_of_train_and_test_must_agree(tmp_path):
    save_classes(tmp_path / "train", {"a": 3, "B": 3})
    save_classes(tmp_path / "test", {"a": 3, "b": 3})
    with pytest.raises(ValueError, match=r"\['B', 'b'\] in only one of them"):
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
