"""The safetensors format: layout, types, and agreement with the `safetensors` package."""

import importlib
import json

import numpy as np
import pytest

from cctzoo.formats.safetensors import open_safetensors, write_safetensors

pytestmark = pytest.mark.one_backend("jax")  # files

TYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def test_round_trip(tmp_path):
    arrays = {dtype: np.arange(6).reshape(2, 3).astype(dtype) for dtype in TYPES}
    arrays |= {"transposed": np.arange(6.0).reshape(2, 3).T, "scalar": np.array(2.5)}
    arrays["empty"] = np.zeros((0, 4), "float32")
    write_safetensors(arrays, tmp_path / "a.safetensors", {"format": "pt"})
    with open_safetensors(tmp_path / "a.safetensors") as (found, metadata):
        assert metadata == {"format": "pt"}
        assert list(found) == list(arrays)
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype.name
            np.testing.assert_array_equal(np.asarray(found[name]), array)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_layout(tmp_path):
    """8 bytes of length, a header of that length with its end at a multiple of 8, the bytes."""
    path = tmp_path / "a.safetensors"
    write_safetensors({"w": np.arange(3, dtype="float32")}, path)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert (8 + length) % 8 == 0
    header = json.loads(data[8 : 8 + length])
    assert header == {"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}}
    np.testing.assert_array_equal(np.frombuffer(data[8 + length :], "<f4"), [0, 1, 2])


def test_equal_arrays_give_equal_files(tmp_path):
    """The `safetensors` package itself orders the metadata differently from run to run."""
    path = tmp_path / "a.safetensors"
    write_safetensors(
        {"b": np.ones(1, "float64"), "a": np.ones(1, "int8")}, path, {"z": "", "y": ""}
    )
    header = path.read_bytes()[8:].partition(b" ")[0]
    assert list(json.loads(header)) == ["__metadata__", "b", "a"]
    assert list(json.loads(header)["__metadata__"]) == ["z", "y"]


def test_bfloat16(tmp_path):
    header = json.dumps({"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\x80\x3f\x40\xc0")
    with open_safetensors(path) as (found, _):
        array = np.asarray(found["w"])
    assert array.dtype == "float32"
    np.testing.assert_array_equal(array, [1, -3])


@pytest.mark.parametrize("package", ["numpy", "torch"])
def test_the_reference_package_agrees(package, tmp_path):
    module = importlib.import_module(f"safetensors.{package}")
    kind = pytest.importorskip(package)
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    array = np.arange(6, dtype="float32").reshape(2, 3)
    write_safetensors({"w": array}, ours)
    np.testing.assert_array_equal(np.asarray(module.load_file(ours)["w"]), array)
    module.save_file({"w": kind.asarray(array)}, theirs)
    with open_safetensors(theirs) as (found, _):
        np.testing.assert_array_equal(np.asarray(found["w"]), array)
