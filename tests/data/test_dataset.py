"""`data.load` and `Dataset`: parts, options and kinds."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from cctzoo import data
from tests.data.builders import prepare
from tests.data.npz_sets import write_npz
from tests.data.pictures import save_classes

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def test_digits_split_is_stratified():
    digits = data.load("digits", validation=0.1, seed=3)
    assert digits.x_train.shape[1:] == (16, 16, 1)
    assert digits.x_train.dtype == np.uint8
    assert digits.classes == [str(digit) for digit in range(10)]
    parts = digits.x_train, digits.x_validation, digits.x_test
    assert sum(map(len, parts)) == 1797
    labels = digits.y_train, digits.y_validation, digits.y_test
    for part, share in zip(labels, (72, 8, 20), strict=True):
        per_class = np.bincount(part, minlength=10) / 1797
        np.testing.assert_allclose(per_class, share / 1000, atol=0.004)


def test_test_part_does_not_depend_on_seed():
    first, second = (data.load("digits", seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(first.x_test, second.x_test)
    assert not np.array_equal(first.x_validation, second.x_validation)


def test_pixel_statistics_of_training_part(tmp_path):
    loaded = data.load(write_npz(tmp_path / "set.npz"))
    mean, std = loaded.pixel_statistics()
    pixels = loaded.x_train.reshape(-1, 3) / 255
    np.testing.assert_allclose(mean, pixels.mean(0), atol=1e-9)
    np.testing.assert_allclose(std, pixels.std(0), atol=1e-9)


def test_classes_without_training_samples_are_named(tmp_path):
    names = np.array(["ant", "bee", "cat", "dog", "elk"])
    name = write_npz(tmp_path / "set.npz", names=names, y_test=np.full(9, 3))
    match = "2 of the 5 classes of 'npz:.*' have no training sample: dog, elk"
    with pytest.warns(UserWarning, match=match) as warned:
        data.load(name)
    assert len(warned) == 1


def test_pixels_of_0_and_1(tmp_path):
    x = np.ones((9, 5, 7, 3), "uint8")
    name = write_npz(tmp_path / "set.npz", x_test=x, x_val=x, y_val=np.arange(9) % 3)
    with pytest.warns(UserWarning, match="are 0 or 1 in x_validation, x_test of") as warned:
        data.load(name)
    assert len(warned) == 1


def test_invalid_validation():
    for part in (1.0, -0.1):
        with pytest.raises(ValueError, match=f"validation={part}"):
            data.load("digits", validation=part)


def test_no_validation_part():
    digits = data.load("digits", validation=0)
    assert digits.x_validation.shape == (0, 16, 16, 1)
    assert len(digits.y_validation) == 0
    assert len(digits.x_train) + len(digits.x_test) == 1797


def test_subsets_of_sorted_labels(tmp_path):
    labels = np.repeat([0, 1, 2], 10)
    name = write_npz(tmp_path / "set.npz", y_train=labels)
    loaded = data.load(name, validation=0.5, train_samples=12, test_samples=3)
    np.testing.assert_array_equal(np.bincount(loaded.y_train), [2, 2, 2])
    np.testing.assert_array_equal(np.bincount(loaded.y_validation), [2, 2, 2])
    np.testing.assert_array_equal(np.bincount(loaded.y_test), [1, 1, 1])
    with np.load(tmp_path / "set.npz") as file:
        label_of = {x.tobytes(): y for x, y in zip(file["x_train"], labels, strict=True)}
    assert [label_of[x.tobytes()] for x in loaded.x_train] == list(loaded.y_train)


@pytest.mark.parametrize(
    "options",
    [
        {"train_samples": 0},
        {"train_samples": 1439},
        {"test_samples": -1},
        {"test_samples": 361},
        {"image_size": 32},
        {"image_size": (16, 17)},
        {"image_size": 0},
        {"image_size": 16.0},
        {"image_size": (16, 16, 1)},
        {"color_mode": "RGB"},
        {"color_mode": "rgb"},
        {"skip_unreadable": True},
        {"data_dir": "here"},
        {"manual_dir": "here"},
    ],
)
def test_invalid_options(options):
    ((key, value),) = options.items()
    with pytest.raises(ValueError, match=re.escape(f"Received: {key}={value!r}")):
        data.load("digits", **options)


def test_options_equal_to_the_data():
    plain = data.load("digits")
    same = data.load("digits", image_size=(16, 16), train_samples=1438, test_samples=359)
    np.testing.assert_array_equal(plain.x_train, same.x_train)
    np.testing.assert_array_equal(plain.x_test, same.x_test)


@pytest.mark.parametrize("kind", ["digits", "npz", "folder", "array_record"])
def test_loading_does_not_import_tensorflow(tmp_path, kind):
    pytest.importorskip("jax")
    names = {"digits": "digits", "array_record": "tiny_flowers"}
    if kind == "npz":
        names["npz"] = write_npz(tmp_path / "set.npz")
    elif kind == "folder":
        names["folder"] = f"folder:{save_classes(tmp_path / 'set', {'a': 5, 'b': 5})}"
    elif kind == "array_record":
        prepare(tmp_path)
    options = {"data_dir": str(tmp_path)} if kind == "array_record" else {}
    code = f"""
import sys
from cctzoo import data
loaded = data.load({names[kind]!r}, **{options})
loaded.pixel_statistics()
assert "tensorflow" not in sys.modules
if {kind != "array_record"}:
    assert "tensorflow_datasets" not in sys.modules
print(len(loaded.x_train))
"""
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": path}
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert child.returncode == 0, child.stderr[-2000:]
    assert int(child.stdout) > 0


def dataset(kind):
    if kind == "images":
        return data.load("digits", train_samples=100, test_samples=20)
    texts = np.array(["a b", "c", "d e f", "g"], object)
    labels = np.array([0, 1, 0, 1])
    none = texts[:0], labels[:0]
    return data.Dataset("made up", ["x", "y"], texts, labels, *none, texts, labels, "texts")


def model_for(kind):
    """A stand-in for a model: its kind, and its vocabulary."""
    return SimpleNamespace(
        config=SimpleNamespace(kind=kind),
        vocabulary=lambda texts: np.array([[len(text)] for text in texts], "int32").reshape(-1, 1),
    )


def test_for_model_does_not_change_images():
    images = dataset("images")
    assert images.for_model(model_for("images")) is images


def test_for_model_tokenises_texts():
    texts = dataset("texts")
    ids = texts.for_model(model_for("texts"))
    np.testing.assert_array_equal(ids.x_train, [[3], [1], [5], [1]])
    assert ids.x_validation.shape == (0, 1)
    assert (ids.kind, ids.classes) == ("texts", texts.classes)
    assert ids.for_model(model_for("texts")) is ids


@pytest.mark.parametrize(("kind", "other"), [("images", "texts"), ("texts", "images")])
def test_for_model_of_the_other_kind(kind, other):
    with pytest.raises(ValueError, match=f"Received: a model for {other}, dataset=.* with {kind}"):
        dataset(kind).for_model(model_for(other))


def test_texts_have_no_pixel_statistics():
    with pytest.raises(ValueError, match="Received: dataset='made up', kind='texts'"):
        dataset("texts").pixel_statistics()


def test_batches_by_kind():
    inputs, targets = dataset("images").batches(10, data.Augmentation(flip=True))[0]
    assert {"index", "frame"} <= set(inputs)
    assert targets.shape == (10, 10)
    ids, targets = dataset("texts").for_model(model_for("texts")).batches(2, seed=1)[0]
    assert (ids.shape, targets.shape) == ((2, 1), (2, 2))


def test_draw_is_stratified():
    x, y = dataset("images").draw("train", 30, seed=1)
    assert len(x) == 30
    np.testing.assert_array_equal(np.bincount(y), [3] * 10)
    x, y = dataset("texts").draw("test", 30)
    assert (list(x), list(y)) == (["a b", "c", "d e f", "g"], [0, 1, 0, 1])


def test_take_decodes_images(tmp_path):
    images = data.load(f"folder:{save_classes(tmp_path, {'a': 5, 'b': 5})}", image_size=9)
    taken = data.take(images.x_train, [2, 0])
    assert (taken.shape, taken.dtype) == ((2, 9, 9, 3), np.uint8)
    np.testing.assert_array_equal(data.take(taken, [1]), images.x_train.batch([0]))
