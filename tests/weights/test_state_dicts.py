"""State dicts of other trainers: where they are stored, and what comes before their keys."""

import argparse
import collections
import enum
import functools
import pathlib
import re

import numpy as np
import pytest
import torch

from cctzoo.weights import load_pytorch_checkpoint
from tests.models.small import small_model
from tests.weights.authors import FAMILIES, assert_state, made_up, tensors

pytestmark = pytest.mark.one_backend("torch")  # reading does not depend on the backend

STATE = tensors(made_up("cct"))
ZEROS = {key: 0 * tensor for key, tensor in STATE.items()}
ONES = torch.ones(24)


class Kind(enum.Enum):
    SMALL = 1


class OwnDict(collections.OrderedDict):
    pass


class OwnTensor(torch.Tensor):
    pass


def prefixed(prefix, state=STATE):
    return {prefix + key: tensor for key, tensor in state.items()}


def tagged(parameter):
    parameter.tag = "a"
    return parameter


OPTIMIZER = torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))])
OTHERS = {
    "namespace": argparse.Namespace(path=pathlib.PosixPath("/a"), kind=Kind.SMALL),
    "optimizer": OPTIMIZER,
    "optimizer_states": [OPTIMIZER.state_dict()],
    "accuracy": np.float64(0.5),
    "array": np.ones(3),
    "function": functools.partial(int, base=2),
    "class": OwnDict,
    "device": torch.device("cpu"),
    "dtype": torch.float32,
    "shape": torch.Size([1, 2]),
    "counts": collections.defaultdict(list, a=[1]),
    "last": collections.deque([torch.ones(2)], maxlen=3),
    "sets": [{1, 2}, frozenset([3]), bytearray(b"a"), slice(1), range(3), 1j],
    "keys": {(1, 2): 3, None: 4, 1.5: 5, Kind.SMALL: 6},
    "module": torch.nn.Linear(2, 2),
    "generator": torch.get_rng_state(),
    "quantised": torch.zeros(2, dtype=torch.complex64),
}
READ = {
    "at the top": STATE,
    "known": {"epoch": 3, "state_dict": STATE},
    "averaged first": {"state_dict": ZEROS, "model": ZEROS, "state_dict_ema": STATE},
    "known before unknown": {"other": ZEROS, "model": STATE, "teacher": ZEROS},
    "outer before inner": {"best": {"model": ZEROS}, "model": STATE},
    "at the top before inner": {**STATE, "teacher": ZEROS},
    "a known name of another model": {"state_dict": {"a": ONES}, "student": STATE},
    "model_state_dict": {"model_state_dict": STATE, "optimizer": OPTIMIZER.state_dict()},
    "any name": {"any": STATE},
    "deep": {"models": [{"student": {"shadow": STATE}}], "step": torch.tensor(3)},
    "a list": [1, STATE],
    "prefix": prefixed("_orig_mod.module."),
    "prefix of Lightning": {"state_dict": prefixed("model."), "hyper_parameters": OTHERS},
    "any prefix": {"a": prefixed("net.encoder.backbone.")},
    "counter": {"n_averaged": torch.tensor(3), **prefixed("module.")},
    "number in the state dict": {**STATE, "epoch": 3, "extra_state": None},
    "own dict": {"model": OwnDict(STATE)},
    "defaultdict": collections.defaultdict(list, STATE),
    "parameters": {key: torch.nn.Parameter(tensor) for key, tensor in STATE.items()},
    "parameters with attributes": {
        key: tagged(torch.nn.Parameter(tensor)) for key, tensor in STATE.items()
    },
    "own tensors": {key: tensor.as_subclass(OwnTensor) for key, tensor in STATE.items()},
}
REFUSED = {
    "two of a kind": ({"a": STATE, "b": ZEROS}, "Received: 'a', 'b'"),
    "two of a name": (
        {"a": {"model": STATE}, "b": {"model": ZEROS}},
        "Received: 'a.model', 'b.model'",
    ),
    "two prefixes": (
        {**prefixed("student."), **prefixed("teacher.", ZEROS)},
        f"'student.' ({len(STATE)} keys), 'teacher.' ({len(STATE)} keys)",
    ),
    "more beside a prefix": (
        {**prefixed("model."), "loss.weight": ONES},
        "Received: unexpected loss.weight",
    ),
    "a key twice": (
        {**prefixed("model."), "classifier.norm.bias": ONES},
        "'classifier.norm.bias' and 'model.classifier.norm.bias'",
    ),
    "a complex tensor": (
        {**STATE, "classifier.norm.bias": torch.zeros(24, dtype=torch.complex64)},
        "'classifier.norm.bias', which is of 'torch.ComplexFloatStorage'",
    ),
    "a complex tensor more": (
        {**STATE, "more": torch.zeros(24, dtype=torch.complex64)},
        "'more', which is of 'torch.ComplexFloatStorage'",
    ),
    "a sparse tensor": (
        {"model": {**STATE, "classifier.norm.bias": ONES.to_sparse()}},
        "'classifier.norm.bias', which is of 'torch._utils._rebuild_sparse_tensor'",
    ),
    "an array of NumPy": (
        {**STATE, "classifier.norm.bias": np.ones(24)},
        "'classifier.norm.bias', which is of 'numpy._core.multiarray._reconstruct'",
    ),
    "a number": ({**STATE, "classifier.norm.bias": 1.5}, "which is of 'float'"),
    "another model": ({"model": {"a": ONES}, "b": {"c": ONES}}, "unexpected a"),
    "other models": ({"a": {"a": ONES}, "b": {"c": ONES}}, "Received: 'a', 'b'"),
    "a whole model": (
        {"model": torch.nn.Linear(2, 2)},
        "torch.save(model.state_dict(), path). Received: a file without such a dict, with objects "
        "of 'torch.nn.modules.linear.Linear', path=",
    ),
    "a list of numbers": ([1, 2], "without such a dict, path="),
    "nothing": ({}, "without such a dict, path="),
    "numbers": ({"model": {"a": 1}}, "without such a dict, path="),
    "tensors without names": ([ONES, {0: ONES}], "without such a dict, path="),
}


@pytest.fixture(scope="module")
def model():
    return small_model(**FAMILIES["cct"])


@pytest.mark.parametrize("name", READ)
def test_state_dicts_are_found(name, model, tmp_path):
    model.set_weights([np.zeros_like(each) for each in model.get_weights()])
    torch.save(READ[name], tmp_path / "a.pth")
    load_pytorch_checkpoint(model, tmp_path / "a.pth")
    assert_state(model, made_up("cct"))


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("name", OTHERS)
def test_objects_beside_a_state_dict_are_skipped(name, protocol, model, tmp_path):
    model.set_weights([np.zeros_like(each) for each in model.get_weights()])
    values = {name: OTHERS[name], "weights": prefixed("module."), "more": [OTHERS[name]]}
    torch.save(values, tmp_path / "a.pth", pickle_protocol=protocol)
    load_pytorch_checkpoint(model, tmp_path / "a.pth")
    assert_state(model, made_up("cct"))


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, model, tmp_path):
    before = model.get_weights()
    values, received = REFUSED[name]
    torch.save(values, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=re.escape(received)) as error:
        load_pytorch_checkpoint(model, tmp_path / "a.pth")
    assert "a.pth" in str(error.value)
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_one_line_says_which_state_dict_is_used(model, tmp_path, caplog):
    torch.save({"model": STATE, "teacher": ZEROS}, tmp_path / "a.pth")
    load_pytorch_checkpoint(model, tmp_path / "a.pth")
    assert caplog.messages[0] == "weights: 'model' is loaded; the file also holds 'teacher'"


def test_prefixes_of_models_that_differ(tmp_path):
    """Other classes, no top, sines, and a part of the weights."""
    for changes in ({"classes": 7}, {"include_top": False}, {"positional_embedding": "sine"}):
        model = small_model(**FAMILIES["cct"], **changes)
        values = prefixed("module.net.")
        if "positional_embedding" in changes:
            table = torch.from_numpy(model.get_layer("position").embedding.copy())
            values["module.net.classifier.positional_emb"] = table
        torch.save({"model": values}, tmp_path / "a.pth")
        load_pytorch_checkpoint(model, tmp_path / "a.pth")
        (gamma, _) = model.get_layer("norm").get_weights()
        np.testing.assert_array_equal(gamma, STATE["classifier.norm.weight"].numpy())


def test_not_strict(tmp_path, caplog):
    part = {key: tensor for key, tensor in STATE.items() if ".fc." not in key}
    odd = {"loss.weight": ONES, "odd": ONES.to_sparse()}
    torch.save({"state_dict": {**prefixed("model.", part), **odd}}, tmp_path / "a.pth")
    model = small_model(**FAMILIES["cct"])
    load_pytorch_checkpoint(model, tmp_path / "a.pth", strict=False)
    (gamma, _) = model.get_layer("norm").get_weights()
    np.testing.assert_array_equal(gamma, STATE["classifier.norm.weight"].numpy())
    assert caplog.messages[:3] == [
        "weights: not weights, ignored: odd",
        "weights: not in the file, kept as before: classifier.fc.weight, classifier.fc.bias",
        "weights: not in the model, ignored: loss.weight",
    ]
    torch.save({"state_dict": odd}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match="without any of the model's keys"):
        load_pytorch_checkpoint(model, tmp_path / "a.pth", strict=False)
    torch.save({**prefixed("a.", part), "b.classifier.fc.bias": ONES[:5]}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=re.escape(f"'a.' ({len(part)} keys), 'b.' (1 keys)")):
        load_pytorch_checkpoint(model, tmp_path / "a.pth", strict=False)
