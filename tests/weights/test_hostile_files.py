"""Broken and malicious files: each gives one clear error and has no other effect."""

import pickletools
import sys
import time
import tracemalloc

import numpy as np
import pytest

from cctzoo import limits
from cctzoo.formats.safetensors import write_safetensors
from cctzoo.weights import (
    load_pytorch_checkpoint,
    save_pytorch_checkpoint,
    state_dict,
)
from tests.models.small import small_model
from tests.weights.hostile.archives import data_pickle, flipped, rebuilt
from tests.weights.hostile.calls import beside
from tests.weights.hostile.files import files

pytestmark = pytest.mark.one_backend("torch")  # weights of sound files only are assigned

FLIPS = 60


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module")
def sound(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "sound.pth"
    save_pytorch_checkpoint(model, path)
    return path.read_bytes()


def test_sound_file_is_read(model, sound, tmp_path):
    path = tmp_path / "sound.pth"
    path.write_bytes(rebuilt(sound))
    other = small_model()
    other.set_weights([np.zeros_like(each) for each in other.get_weights()])
    load_pytorch_checkpoint(other, path)
    for found, wanted in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_hostile_files(model, sound, tmp_path):
    """No file executes code, changes the model, or takes more memory than its size justifies."""
    mark = tmp_path / "executed"
    before = model.get_weights()
    wrong, seen = [], set()
    for name, data, suffix, fault in files(sound, mark):
        assert name not in seen
        seen.add(name)
        path = tmp_path / f"file{suffix}"
        path.write_bytes(data)
        tracemalloc.start()
        start = time.process_time()
        try:
            load_pytorch_checkpoint(model, path)
            wrong.append(f"{name}: accepted")
        except ValueError as error:
            if "Received: " not in str(error) or fault not in str(error):
                wrong.append(f"{name}: {error}")
        except Exception as error:
            wrong.append(f"{name}: {error!r}")
        seconds = time.process_time() - start
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # 100 bytes per byte of pickle: an empty list in a list takes that much.
        if peak > 1e6 + 2 * len(data) + 100 * min(len(data), 2e5) or seconds > 5:
            wrong.append(f"{name}: {peak:,} bytes of memory in {seconds:.1f} s")
        path.unlink()
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 180
    assert not mark.exists()
    assert not list(tmp_path.iterdir())
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_objects_beside_a_state_dict_are_skipped(model, sound, tmp_path):
    """The weights are read, and nothing is imported or called, by whatever opcode."""
    mark, path = tmp_path / "executed", tmp_path / "file.pth"
    expected = state_dict(model)
    path.write_bytes(sound)
    load_pytorch_checkpoint(model, path)  # `zipfile` imports a codec
    imported = set(sys.modules)
    seen = set()
    for name, data in beside(sound, mark):
        assert name not in seen
        seen.add(name)
        path.write_bytes(data)
        model.set_weights([np.zeros_like(each) for each in model.get_weights()])
        load_pytorch_checkpoint(model, path)
        for key, array in state_dict(model).items():
            np.testing.assert_array_equal(array, expected[key], name)
        assert not mark.exists(), name
    assert len(seen) > 80
    assert set(sys.modules) == imported


def test_flipped_bits(model, sound, tmp_path):
    """An error, or unchanged weights: a bit of padding has no effect."""
    before = model.get_weights()
    path = tmp_path / "flipped.pth"
    errors = 0
    for data in flipped(sound, FLIPS):
        path.write_bytes(data)
        try:
            load_pytorch_checkpoint(model, path)
        except ValueError as error:
            errors += "Received: " in str(error)
        for weight, expected in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, expected)
    assert errors > FLIPS // 2


def test_limits(model, sound, tmp_path):
    """The number of tensors, and of the opcodes of a pickle, is limited."""
    (tmp_path / "a.pth").write_bytes(sound)
    write_safetensors(
        {str(i): np.zeros(0, "float32") for i in range(201)}, tmp_path / "a.safetensors"
    )
    opcodes = len(list(pickletools.genops(data_pickle(sound))))
    for name, changed, message in (
        ("a.pth", {"json_bytes": 16 * opcodes - 32}, "pickle's opcodes"),
        ("a.pth", {"json_bytes": 100}, "The directory of a zip archive"),
        ("a.safetensors", {"layers": 2}, "The number of tensors"),
        ("a.safetensors", {"json_bytes": 1000}, "bytes of the header"),
    ):
        with limits.raised(**changed), pytest.raises(ValueError, match=message) as error:
            load_pytorch_checkpoint(model, tmp_path / name)
        assert repr(str(tmp_path / name)) in str(error.value)
