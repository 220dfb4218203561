"""Files that PyTorch wrote are read, and PyTorch reads the files that are written."""

import argparse
import collections
import io
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from cctzoo.formats.pickle_values import Placeholder
from cctzoo.formats.torch_file import open_torch_file, write_torch_file
from tests.weights.hostile.archives import rebuilt

pytestmark = pytest.mark.one_backend("torch")  # compared with PyTorch

DTYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"]
CHILD = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoTorch())
import numpy
from cctzoo.formats.torch_file import open_torch_file
with open_torch_file(sys.argv[1]) as state:
    print(float(numpy.asarray(state["weight"]).sum()))
"""


def read(path):
    with open_torch_file(path) as values:
        return {key: np.asarray(value) for key, value in values.items()}


@pytest.mark.parametrize("dtype", [*DTYPES, "bool"])
def test_types(dtype, tmp_path):
    tensor = torch.arange(-3, 9).to(getattr(torch, dtype)).reshape(3, 4)
    torch.save({"weight": tensor}, tmp_path / "a.pth")
    array = read(tmp_path / "a.pth")["weight"]
    expected = tensor.float() if dtype == "bfloat16" else tensor
    assert array.dtype == expected.numpy().dtype
    np.testing.assert_array_equal(array, expected.numpy())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_views_parameters_and_other_values(protocol, tmp_path):
    whole = torch.arange(60.0).reshape(3, 4, 5)
    model = torch.nn.Linear(2, 3)
    tensors = {
        "transposed": whole.permute(2, 0, 1),
        "part": whole[1, :, 2:4],
        "every other": whole[:, ::2],
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 7),
        "one wide": whole[:, :1].expand(3, 1, 5),
    }
    others = {
        "args": argparse.Namespace(lr=0.1, sizes=[1, 2], name="a"),
        "shape": torch.Size([1, 2]),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "optimizer": torch.optim.AdamW(model.parameters()).state_dict(),
        "numbers": (1, -1, 2**40, 1.5, True, False, None, "word"),
        "model": model.state_dict(),
    }
    kept = collections.OrderedDict(tensors | others)
    torch.save(kept, tmp_path / "a.pth", pickle_protocol=protocol)
    with open_torch_file(tmp_path / "a.pth") as values:
        assert list(values) == list(kept)
        for key, tensor in tensors.items():
            np.testing.assert_array_equal(np.asarray(values[key]), tensor.numpy())
        assert values["shape"] == (1, 2)
        assert values["numbers"] == others["numbers"]
        assert values["optimizer"]["param_groups"][0]["params"] == [0, 1]
        weight = np.asarray(values["model"]["weight"])
        np.testing.assert_array_equal(weight, model.weight.detach().numpy())


def test_big_endian(tmp_path):
    stream = io.BytesIO()
    torch.save({"weight": torch.arange(4.0)}, stream)
    changes = {"archive/byteorder": b"big", "archive/data/0": np.arange(4, dtype=">f4").tobytes()}
    (tmp_path / "a.pth").write_bytes(rebuilt(stream.getvalue(), changes))
    np.testing.assert_array_equal(read(tmp_path / "a.pth")["weight"], np.arange(4))


def test_old_format_is_refused(tmp_path):
    path = tmp_path / "a.pth"
    for protocol in (2, 4):
        torch.save({"weight": torch.ones(2)}, path, pickle, protocol, False)
        with (
            pytest.raises(ValueError, match=r"before PyTorch 1\.6") as error,
            open_torch_file(path),
        ):
            pass
        assert f"Received: path={str(path)!r}" in str(error.value)


def test_objects_of_other_kinds_are_placeholders(tmp_path):
    """A placeholder has the name of what would build the object, and the items of a dict."""
    others = {
        "module": torch.nn.Linear(2, 2),
        "args": argparse.Namespace(a=1),
        "number": np.float64(1),
        "default": collections.defaultdict(list, a=torch.ones(2)),
        "deque": collections.deque([1, 2]),
        "complex": torch.zeros(2, dtype=torch.complex64),
        "function": len,
        "dtype": torch.float32,
        "set": {1, 2},
        "frozen": frozenset([3]),
        "keys": {(1, 2): 3, None: 4, 1.5: 5, "kept": 6, 7: 8},
    }
    torch.save(others, tmp_path / "a.pth", pickle_protocol=4)
    with open_torch_file(tmp_path / "a.pth") as values:
        placeholders = {k: v for k, v in values.items() if isinstance(v, Placeholder)}
        assert {key: value.name for key, value in placeholders.items()} == {
            "module": "torch.nn.modules.linear.Linear",
            "args": "argparse.Namespace",
            "number": "numpy._core.multiarray.scalar",
            "default": "collections.defaultdict",
            "deque": "collections.deque",
            "complex": "torch.ComplexFloatStorage",
        }
        assert [key for key, value in placeholders.items() if value.is_tensor] == ["complex"]
        np.testing.assert_array_equal(np.asarray(placeholders["default"]["a"]), np.ones(2))
        assert not placeholders["module"]
        assert values["function"] == "builtins.len"
        assert values["dtype"] == "torch.float32"
        assert values["set"] == "builtins.set"
        assert values["keys"] == {"kept": 6, 7: 8}


def test_without_pytorch(tmp_path):
    torch.save({"weight": torch.arange(4.0)}, tmp_path / "a.pth")
    command = [sys.executable, "-c", CHILD, str(tmp_path / "a.pth")]
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path)), "KERAS_BACKEND": "jax"}
    child = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert child.stdout.strip() == "6.0", child.stderr[-2000:]


@pytest.mark.parametrize("mmap", [False, True])
def test_written_files_load_in_pytorch(mmap, tmp_path):
    rng = np.random.default_rng(0)
    shapes = {"a.weight": (3, 5, 2, 2), "b.ünï": (7,), "scalar": (), "empty": (0, 3)}
    state = {key: rng.standard_normal(shape).astype("float32") for key, shape in shapes.items()}
    state["transposed"] = rng.standard_normal((4, 6)).astype("float32").T
    write_torch_file(state, tmp_path / "a.pth")
    tensors = torch.load(tmp_path / "a.pth", weights_only=True, mmap=mmap)
    assert list(tensors) == list(state)
    for key, tensor in tensors.items():
        assert tensor.is_contiguous()
        assert tensor.dtype == torch.float32
        np.testing.assert_array_equal(tensor.numpy(), state[key])
    for key, array in read(tmp_path / "a.pth").items():
        np.testing.assert_array_equal(array, state[key])
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]
