"""`data.load` and `Dataset`: parts, options, kinds, and invalid .npz files."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from cctzoo import data
from tests.data.builders import prepare
from tests.data.pictures import save_classes

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def write(path, **changes):
    """Writes a small valid .npz data set with `changes`; None omits an array."""
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (30, 5, 7, 3)).astype("uint8"),
        "y_train": np.arange(30) % 3,
        "x_test": rng.integers(0, 256, (9, 5, 7, 3)).astype("uint8"),
        "y_test": np.arange(9) % 3,
        **changes,
    }
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return f"npz:{path}"


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


def test_npz_round_trip(tmp_path):
    name = write(tmp_path / "set.npz", names=np.array(["ant", "bee", "cat"]))
    loaded = data.load(name, validation=0.2)
    assert loaded.classes == ["ant", "bee", "cat"]
    assert (len(loaded.x_train), len(loaded.x_validation), len(loaded.x_test)) == (24, 6, 9)
    with np.load(tmp_path / "set.npz") as file:
        everything = {image.tobytes() for image in file["x_train"]}
    kept = {image.tobytes() for image in (*loaded.x_train, *loaded.x_validation)}
    assert kept == everything


def test_npz_with_grey_images_and_label_columns(tmp_path):
    grey = np.full((30, 5, 7), 2, "uint8")
    name = write(
        tmp_path / "set.npz", x_train=grey, x_test=grey[:9], y_train=np.arange(30)[:, None] % 3
    )
    loaded = data.load(name)
    assert loaded.x_train.shape[1:] == (5, 7, 1)
    assert loaded.y_train.ndim == 1


def test_pixel_statistics_of_training_part(tmp_path):
    loaded = data.load(write(tmp_path / "set.npz"))
    mean, std = loaded.pixel_statistics()
    pixels = loaded.x_train.reshape(-1, 3) / 255
    np.testing.assert_allclose(mean, pixels.mean(0), atol=1e-9)
    np.testing.assert_allclose(std, pixels.std(0), atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, "without y_test, with x_train, y_train, x_test"),
        ({"x_val": np.zeros((9, 5, 7, 3), "uint8")}, "without y_validation, with .*x_val"),
        ({"y_dev": np.arange(9) % 3}, "without x_validation, with .*y_dev"),
        ({"X_Train": np.zeros((9, 5, 7, 3), "uint8")}, "given once. .* with x_train, X_Train"),
        ({"x_train": np.zeros((30, 5, 7, 3))}, "x_train of float64"),
        ({"x_test": np.zeros((9, 5, 5, 3), "uint8")}, r"\(9, 5, 5, 3\)"),
        ({"y_train": np.arange(29) % 3}, r"shape \(29,\)"),
        ({"y_train": np.arange(30) % 3 - 1}, "y_train from -1 to 1"),
        ({"y_test": np.arange(9) % 3 + 1, "names": np.array(["a", "b", "c"])}, "from 1 to 3"),
        ({"y_train": np.ones(30)}, "y_train of float64"),
        ({"y_train": np.array([None] * 30)}, "y_train of object"),  # a pickle, never opened
        ({"y_train": np.arange(30)[::-1] + 1}, "label 30, 30 training images"),
        ({"y_test": np.array([0, 10**9] + [1] * 7)}, "label 1000000000, 30 training images"),
        ({"y_test": np.full(9, 2**64 - 1, "uint64")}, f"label {2**64 - 1}, 30 training images"),
        ({"y_test": np.zeros(9, "timedelta64[s]")}, r"y_test of timedelta64\[s\]"),
        ({"names": np.array("ant")}, r"names of <U3, shape \(\)"),
        ({"names": np.array([b"ant", b"bee"])}, r"names of \|S3, shape \(2,\)"),
        ({"names": np.array([["ant"], ["bee"]])}, r"names of <U3, shape \(2, 1\)"),
        ({"names": np.array(["ant", "bee", "ant"])}, r"names with \['ant'\]"),
        ({"names": np.array(["ant", " ", "bee"])}, r"names with \[' '\]"),
        ({"names": np.array([{}])}, "its array 'names': Object arrays cannot be loaded"),
    ],
)
def test_invalid_npz(tmp_path, changes, message):
    name = write(tmp_path / "set.npz", **changes)
    with pytest.raises(ValueError, match=message):
        data.load(name)


@pytest.mark.parametrize("part", ["val", "validation", "valid", "Dev"])
def test_validation_part_of_npz(tmp_path, part):
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (4, 5, 7, 3)).astype("uint8"), np.array([0, 1, 2, 0])
    name = write(tmp_path / "set.npz", **{f"x_{part}": x, f"y_{part}": y})
    loaded = data.load(name, validation=0.5)
    np.testing.assert_array_equal(loaded.x_validation, x)
    np.testing.assert_array_equal(loaded.y_validation, y)
    assert (len(loaded.x_train), len(loaded.x_test)) == (30, 9)


def test_unknown_arrays_of_npz_are_named(tmp_path):
    name = write(tmp_path / "set.npz", x_extra=np.zeros(3), weights=np.zeros(3))
    with pytest.warns(UserWarning, match="not read: x_extra, weights") as warned:
        data.load(name)
    assert len(warned) == 1


def test_classes_without_training_samples_are_named(tmp_path):
    names = np.array(["ant", "bee", "cat", "dog", "elk"])
    name = write(tmp_path / "set.npz", names=names, y_test=np.full(9, 3))
    match = "2 of the 5 classes of 'npz:.*' have no training sample: dog, elk"
    with pytest.warns(UserWarning, match=match) as warned:
        data.load(name)
    assert len(warned) == 1


def test_pixels_of_0_and_1(tmp_path):
    x = np.ones((9, 5, 7, 3), "uint8")
    name = write(tmp_path / "set.npz", x_test=x, x_val=x, y_val=np.arange(9) % 3)
    with pytest.warns(UserWarning, match="are 0 or 1 in x_validation, x_test of") as warned:
        data.load(name)
    assert len(warned) == 1


def test_npz_that_is_not_an_archive(tmp_path):
    (tmp_path / "set.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ValueError, match=r"must be a NumPy \.npz archive"):
        data.load(f"npz:{tmp_path / 'set.npz'}")


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
    name = write(tmp_path / "set.npz", y_train=labels)
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
        names["npz"] = write(tmp_path / "set.npz")
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
