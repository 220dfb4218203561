"""Broken and malicious `.keras` and `.weights.h5` files: each gives one clear error, soon."""

import json
import time

import h5py
import keras
import pytest

from cctzoo import limits, runs
from cctzoo.formats.safetensors import write_safetensors
from cctzoo.models import create_model, soft_committee
from cctzoo.training.run import Run
from cctzoo.weights import load_from_folder, load_model, open_weights, save_to_folder
from cctzoo.weights.keras_file import check_weights_file, load_keras_model
from cctzoo.weights.names import model_arrays
from tests.weights.hostile.hdf5_files import hdf5_files
from tests.weights.hostile.keras_files import (
    committees,
    descriptions,
    keras_files,
    with_entries,
)

pytestmark = pytest.mark.one_backend("torch")  # no file is loaded

TINY = {"depth": 2, "embed_dim": 16, "heads": 2, "input_shape": (8, 8, 3), "classes": 3}


@pytest.fixture(scope="module")
def model():
    return create_model("cct_2_3x2_32", conv_layers=1, **TINY)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    model.save(folder / "a.keras")
    model.save_weights(folder / "a.weights.h5")
    soft_committee([model, model]).save(folder / "committee.keras")
    with h5py.File(folder / "secret.h5", "w") as file:
        file["x"] = [1.0]
    return folder


@pytest.fixture
def evil(tmp_path):
    """The mark of a class that the user's own process has registered."""
    mark = tmp_path / "executed"

    @keras.saving.register_keras_serializable(package="hostile")
    class Evil(keras.layers.Layer):
        @classmethod
        def from_config(cls, config):
            mark.touch()
            return cls()

    yield mark
    keras.saving.get_custom_objects().pop("hostile>Evil")


def refusal(load, path, fault):
    """What is wrong with a refusal, or None."""
    start = time.process_time()
    try:
        load(path)
        return "accepted"
    except ValueError as error:
        message = str(error)
    except Exception as error:
        return repr(error)
    seconds = time.process_time() - start
    if seconds > 5:
        return f"{seconds:.1f} s"
    clear = str(path) in message and "Received: " in message and fault in message
    short = len(message) < 1500 and message.isprintable()
    return None if clear and short else message[:1500]


def test_keras_files(folder, evil, tmp_path):
    sound = (folder / "a.keras").read_bytes()
    files = [*keras_files(sound), *committees((folder / "committee.keras").read_bytes())]
    check(load_keras_model, files, tmp_path)
    assert not evil.exists()
    assert not list(tmp_path.iterdir())
    assert len(files) > 95


def test_weights_files(model, folder, tmp_path):
    sound = (folder / "a.weights.h5").read_bytes()
    files = list(hdf5_files(sound, folder))
    before = model.get_weights()

    def load(path):
        with open_weights(path) as source:
            source.load_into(model)

    check(load, [(name, data, ".weights.h5", fault) for name, data, fault in files], tmp_path)
    inside = [
        (name, with_entries((folder / "a.keras").read_bytes(), weights=data), ".keras", fault)
        for name, data, fault in files
    ]
    check(load_keras_model, inside, tmp_path)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    assert len(files) > 15


def check(load, files, folder):
    wrong, seen = {}, set()
    for name, data, suffix, fault in files:
        assert name not in seen
        seen.add(name)
        path = folder / f"file{suffix}"
        path.write_bytes(data)
        wrong[name] = refusal(load, path, fault)
        path.unlink()
    assert not {name: fault for name, fault in wrong.items() if fault}


def test_descriptions(model, tmp_path):
    """In a folder, and in a safetensors file."""
    save_to_folder(model, tmp_path / "folder")
    config, weights = tmp_path / "folder" / "config.json", tmp_path / "a.safetensors"
    files = list(descriptions(json.loads(config.read_text())))
    wrong = {}
    for name, text, fault in files:
        config.write_bytes(text.encode("utf-8", "surrogateescape"))
        wrong[name] = refusal(load_from_folder, config.parent, fault)
        if text.isascii() and len(text) < 10**6:
            write_safetensors(model_arrays(model), weights, {"format": "cctzoo", "model": text})
            wrong[name] = wrong[name] or refusal(load_model, weights, fault)
    assert not {name: fault for name, fault in wrong.items() if fault}
    assert len(files) > 40


def test_every_reader_refuses(folder, tmp_path):
    """Whatever opens a model, the file is checked."""
    path = tmp_path / "model.keras"
    path.write_bytes(b"<html>")
    for load in (
        load_keras_model,
        runs.open_model,
        open_weights,
        lambda path: create_model("cct_2_3x2_32", weights=path),
        lambda path: Run(path.parent, None, {}, []).model,
    ):
        assert refusal(load, path, "not a zip file") is None
    path.unlink()
    path.mkdir()
    assert refusal(lambda path: Run(path.parent, None, {}, []).model, path, "") is None
    weights = tmp_path / "a.weights.h5"
    weights.write_bytes(b"<html>")
    assert refusal(lambda path: create_model("cct_2_3x2_32", weights=path), weights, "") is None


def test_limits_can_be_raised(folder):
    with limits.raised(array_bytes=1000):
        assert refusal(load_keras_model, folder / "a.keras", "the limit `array_bytes`") is None
    with limits.raised(layers=1):
        assert (
            refusal(load_keras_model, folder / "committee.keras", "The number of members") is None
        )
        assert refusal(check_weights_file, folder / "a.weights.h5", "groups and arrays") is None
    load_keras_model(folder / "a.keras")
