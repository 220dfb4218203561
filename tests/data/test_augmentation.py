"""Augmentation and batches: what each function may and may not do to an image."""

import numpy as np
import pytest

from cctzoo import data


def images(count=50, height=5, width=7, channels=2):
    rng = np.random.default_rng(1)
    return rng.integers(1, 256, (count, height, width, channels)).astype("uint8")


def test_random_crop_shifts_by_at_most_the_padding():
    x, padding = images(), 2
    cropped = data.random_crop(x, padding, np.random.default_rng(0))
    assert cropped.shape == x.shape
    assert cropped.dtype == x.dtype
    seen = set()
    for image, result in zip(x, cropped, strict=False):
        padded = np.pad(image, ((2, 2), (2, 2), (0, 0)))
        shifts = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if np.array_equal(padded[top : top + 5, left : left + 7], result)
        ]
        assert len(shifts) == 1
        seen |= set(shifts)
    assert len(seen) > 12  # of 25


def test_random_flip_mirrors_about_half():
    x = images(200)
    flipped = data.random_flip(x, np.random.default_rng(0))
    mirrored = [np.array_equal(a[:, ::-1], b) for a, b in zip(x, flipped, strict=False)]
    kept = [np.array_equal(a, b) for a, b in zip(x, flipped, strict=False)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=False))
    assert 70 < sum(mirrored) < 130


def batches(**changes):
    x = images(23)
    return data.TrainingBatches(
        x, np.arange(23), **{"classes": 23, "batch_size": 5, "crop_padding": 1} | changes
    )


def test_an_epoch_shows_every_image_at_most_once():
    loader = batches(crop_padding=0)
    labels = np.concatenate([loader[i][1].argmax(-1) for i in range(len(loader))])
    assert len(loader) == 4
    assert len(set(labels)) == 20
    x, y = loader[0]
    assert x.dtype == y.dtype == np.float32
    np.testing.assert_array_equal(x, loader.x[y.argmax(-1)])


def test_batches_depend_on_seed_and_epoch_alone():
    first, second, other = batches(flip=True), batches(flip=True), batches(flip=True, seed=1)
    np.testing.assert_array_equal(first[2][0], second[2][0])
    assert not np.array_equal(first[2][0], other[2][0])
    before = first[2][0]
    first.on_epoch_end()
    assert not np.array_equal(first[2][0], before)


def test_a_batch_larger_than_the_data():
    with pytest.raises(ValueError, match="batch_size=24, images=23"):
        batches(batch_size=24)
