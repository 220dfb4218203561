"""Two virtual devices give what one gives, for the same global batch."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from cctzoo.training.devices import use_devices
from tests.training.few import few_digits

BACKEND = keras.backend.backend()

# Virtual devices have to be asked for before the backend starts: in a process of their own.
TRAIN = """
import json, os, sys

count, recipe, directory = int(sys.argv[1]), sys.argv[2], sys.argv[3]
if os.environ["KERAS_BACKEND"] == "jax":
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count}"
else:
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * count
    )
from cctzoo import training

run = training.train(training.Recipe.load(recipe), directory, devices=count)
print(json.dumps([float(abs(w).sum()) for w in run.model.get_weights()]))
"""


def train(count, recipe, directory):
    path = directory.with_suffix(".json")
    recipe.save(path)
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(count), str(path), str(directory)],
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    checkpoint = np.load(directory / "checkpoint.npz", allow_pickle=False)
    history = json.loads(str(checkpoint["state"]))["history"]
    arrays = {key: checkpoint[key] for key in checkpoint.files if key != "state"}
    return history, arrays


@pytest.mark.skipif(BACKEND == "torch", reason="refused, see below")
def test_two_devices_give_what_one_gives(tmp_path):
    # With all augmentation, mixing of pairs too; without dropout, whose masks each draws.
    still = few_digits().changes | {"attention_dropout": 0.0, "stochastic_depth": 0.0}
    augmentation = {"policy": "randaugment", "mixup": 0.8, "erasing": 0.25}
    recipe = few_digits(changes=still)
    recipe = few_digits(
        changes=still, augmentation=type(recipe.augmentation)(crop_padding=2, **augmentation)
    )
    (one, first), (two, second) = (train(count, recipe, tmp_path / str(count)) for count in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)
        assert a["val_accuracy"] == pytest.approx(b["val_accuracy"], abs=0.11)  # an image of 10
    assert first.keys() == second.keys()
    # Adam divides by the root of tiny moments: a rounding there moves a weight by the rate.
    for key, value in first.items():
        assert np.mean(np.abs(value - second[key]) > 1e-3) < 0.01, key


def test_devices_that_cannot_be_had():
    if BACKEND == "torch":
        with (
            pytest.raises(ValueError, match=r"JAX or the TensorFlow.*devices=2, backend=torch"),
            use_devices(2, 16),
        ):
            pass
        return
    for count, batch_size, received in (
        (99, 198, "devices=99, found 1"),
        (2, 18, "batch_size=18, devices=2"),
        (0, 16, "devices=0"),
    ):
        with pytest.raises(ValueError, match=received), use_devices(count, batch_size):
            pass
