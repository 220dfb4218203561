"""Data sets in a .npz file, and files that are refused."""

import numpy as np
import pytest

from cctzoo import data
from tests.data.npz_sets import write_npz

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def test_round_trip(tmp_path):
    name = write_npz(tmp_path / "set.npz", names=np.array(["ant", "bee", "cat"]))
    loaded = data.load(name, validation=0.2)
    assert loaded.classes == ["ant", "bee", "cat"]
    assert (len(loaded.x_train), len(loaded.x_validation), len(loaded.x_test)) == (24, 6, 9)
    with np.load(tmp_path / "set.npz") as file:
        everything = {image.tobytes() for image in file["x_train"]}
    kept = {image.tobytes() for image in (*loaded.x_train, *loaded.x_validation)}
    assert kept == everything


def test_grey_images_and_label_columns(tmp_path):
    grey = np.full((30, 5, 7), 2, "uint8")
    name = write_npz(
        tmp_path / "set.npz", x_train=grey, x_test=grey[:9], y_train=np.arange(30)[:, None] % 3
    )
    loaded = data.load(name)
    assert loaded.x_train.shape[1:] == (5, 7, 1)
    assert loaded.y_train.ndim == 1


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
def test_invalid_arrays(tmp_path, changes, message):
    name = write_npz(tmp_path / "set.npz", **changes)
    with pytest.raises(ValueError, match=message):
        data.load(name)


@pytest.mark.parametrize("part", ["val", "validation", "valid", "Dev"])
def test_validation_part(tmp_path, part):
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (4, 5, 7, 3)).astype("uint8"), np.array([0, 1, 2, 0])
    name = write_npz(tmp_path / "set.npz", **{f"x_{part}": x, f"y_{part}": y})
    loaded = data.load(name, validation=0.5)
    np.testing.assert_array_equal(loaded.x_validation, x)
    np.testing.assert_array_equal(loaded.y_validation, y)
    assert (len(loaded.x_train), len(loaded.x_test)) == (30, 9)


def test_unknown_arrays_are_named(tmp_path):
    name = write_npz(tmp_path / "set.npz", x_extra=np.zeros(3), weights=np.zeros(3))
    with pytest.warns(UserWarning, match="not read: x_extra, weights") as warned:
        data.load(name)
    assert len(warned) == 1


def test_a_file_that_is_not_an_archive(tmp_path):
    (tmp_path / "set.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ValueError, match=r"must be a NumPy \.npz archive"):
        data.load(f"npz:{tmp_path / 'set.npz'}")
