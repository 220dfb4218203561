"""Training and evaluation on two virtual devices give the results of one device."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from cctzoo import data, training
from cctzoo.commands import analyse, evaluate
from cctzoo.training.devices import (
    check_batch_parts,
    devices_in_use,
    share_batch,
    shared_size,
    use_devices,
)
from cctzoo.training.processes import ALONE, Processes
from tests.training.few import few_digits
from tests.training.shared_work import image_model, predictions

BACKEND = keras.backend.backend()

# Virtual devices must be configured before the backend starts, so in a new process.
TRAIN = """
import os, sys

recipe, directory = sys.argv[1:]
if os.environ["KERAS_BACKEND"] == "jax":
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
else:
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
import numpy as np
from cctzoo import data, training
from cctzoo.training.devices import use_devices
from tests.training.shared_work import image_model, predictions

training.train(training.Recipe.load(recipe), directory, devices=2)
with use_devices(2):
    np.savez(os.path.join(directory, "predictions.npz"), **predictions(*image_model()))
"""


def train_on_two(recipe, directory):
    path = directory.with_suffix(".json")
    recipe.save(path)
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(path), str(directory)],
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def history_and_arrays(directory):
    checkpoint = np.load(directory / "checkpoint.npz", allow_pickle=False)
    history = json.loads(str(checkpoint["state"]))["history"]
    return history, {key: checkpoint[key] for key in checkpoint.files if key != "state"}


@pytest.mark.skipif(BACKEND == "torch", reason="refused, see test_unavailable_devices_are_refused")
def test_two_devices_give_the_results_of_one(tmp_path):
    # All augmentation, mixup included; no dropout, because each device draws its own masks.
    still = few_digits().changes | {"attention_dropout": 0.0, "stochastic_depth": 0.0}
    augmentation = data.Augmentation(crop_padding=2, policy="randaugment", mixup=0.8, erasing=0.25)
    # 87 samples for training: the classes differ in size, and so do their weights.
    recipe = few_digits(
        changes=still, augmentation=augmentation, class_weights="balanced", train_samples=97
    )
    training.train(recipe, tmp_path / "1")
    train_on_two(recipe, tmp_path / "2")
    (one, first), (two, second) = (history_and_arrays(tmp_path / name) for name in "12")
    for a, b in zip(one, two, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)
        assert a["val_accuracy"] == pytest.approx(b["val_accuracy"], abs=0.11)  # an image of 10
    assert first.keys() == second.keys()
    # Adam divides by the root of tiny moments: a rounding error moves a weight by the rate.
    for key, value in first.items():
        assert np.mean(np.abs(value - second[key]) > 1e-3) < 0.01, key
    with np.load(tmp_path / "2" / "predictions.npz", allow_pickle=False) as found:
        for name, expected in predictions(*image_model()).items():
            # A fit stops near its minimum: it enlarges the rounding errors of the features.
            most = 2e-3 if name == "fields" else 1e-5
            np.testing.assert_allclose(found[name], expected, rtol=most, atol=most, err_msg=name)


@pytest.mark.skipif(BACKEND == "torch", reason="no devices to share")
def test_sizes_and_batches_of_one_device():
    assert devices_in_use() == 1
    assert shared_size(7) == 7
    batch = [np.zeros((7, 2))]
    assert share_batch(batch) is batch


@pytest.mark.parametrize("command", [analyse, evaluate])
def test_commands_refuse_unavailable_devices(monkeypatch, capsys, command):
    words = "cctzoo cct_2_3x2_32.digits --dataset digits --devices 99"
    monkeypatch.setattr(sys, "argv", words.split())
    with pytest.raises(SystemExit):
        command.main()
    assert "Received: devices=99" in capsys.readouterr().err


def test_unavailable_devices_are_refused():
    if BACKEND == "torch":
        with (
            pytest.raises(ValueError, match=r"`torchrun --nproc-per-node 2`.*devices=2"),
            use_devices(2),
        ):
            pass
        return
    for count, received in ((99, "devices=99, found 1"), (0, "devices=0")):
        with pytest.raises(ValueError, match=received), use_devices(count):
            pass


@pytest.mark.parametrize(
    ("devices", "processes", "received"),
    [
        (2, ALONE, "batch_size=18, devices=2"),
        (1, Processes(2, 1), "batch_size=18, devices=1, processes=2"),
        (0, ALONE, "devices=0"),
    ],
)
def test_batches_that_devices_cannot_share(devices, processes, received):
    with pytest.raises(ValueError, match=received):
        check_batch_parts(devices, 18, processes)
