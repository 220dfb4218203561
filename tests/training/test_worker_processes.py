"""Images that processes decode: the same training, and clear ends."""

import os
import signal
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from PIL import Image

from cctzoo import data, training
from cctzoo.data.worker_processes import in_processes
from tests.training.few import TINY, few_digits, history_of

pytestmark = pytest.mark.one_backend("torch")  # the workers import the backend: seconds each


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / name).mkdir()
        for i in range(30):
            pixels = rng.integers(0, 256, (20, 24, 3), "uint8")
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


def recipe_of(photos):
    augmentation = data.Augmentation(crop_scale=(0.5, 1.0), flip=True)
    return training.Recipe(
        dataset=f"folder:{photos}",
        changes=TINY | {"input_shape": (16, 16, 3)},
        epochs=2,
        warmup_epochs=1,
        batch_size=8,
        augmentation=augmentation,
    )


def test_training(photos, tmp_path):
    run = training.train(recipe_of(photos), tmp_path / "run", workers=1, worker_processes=True)
    assert len(history_of(run.directory)) == 2


def test_batches_are_those_of_threads(photos):
    dataset = data.load(f"folder:{photos}", image_size=16)
    augmentation = data.Augmentation(crop_scale=(0.5, 1.0), flip=True)
    batches = data.ImageBatches(dataset.x_train, dataset.y_train, 2, 8, augmentation, epoch=3)
    with in_processes(batches, 1) as found:
        assert len(found) == len(batches)
        for index in (1, 0):
            for (inputs, y), (expected, y_expected) in [(found[index], batches[index])]:
                assert inputs.keys() == expected.keys()
                for name, values in inputs.items():
                    np.testing.assert_array_equal(values, expected[name])
                np.testing.assert_array_equal(y, y_expected)
            found.on_epoch_end()
            batches.on_epoch_end()
        for process in list(found.pool._processes):
            os.kill(process, signal.SIGKILL)
        with pytest.raises(BrokenProcessPool):
            found[0]


def test_workers_without_work_are_refused(photos, tmp_path):
    with pytest.raises(ValueError, match="`worker_processes` is for images that are decoded"):
        training.train(few_digits(), tmp_path / "digits", worker_processes=True)
    with pytest.raises(ValueError, match=r"`workers` must be at least 1\. Received: workers=0"):
        training.train(recipe_of(photos), tmp_path / "none", workers=0)
    assert not [*tmp_path.glob("*/recipe.json")]
