"""Augmentation of image batches in NumPy; every function draws from the generator given."""

import numpy as np


def random_crop(images, padding, rng):
    """Shifts each image by up to `padding` pixels each way; what comes in is black.

    (n, height, width, channels) -> the same: a crop of the zero-padded image.
    """
    count, height, width, _ = images.shape
    margin = (padding, padding)
    padded = np.pad(images, ((0, 0), margin, margin, (0, 0)))
    top, left = rng.integers(0, 2 * padding + 1, (2, count))
    rows = top[:, None] + np.arange(height)  # (n, height)
    columns = left[:, None] + np.arange(width)  # (n, width)
    image = np.arange(count)[:, None, None]
    return padded[image, rows[:, :, None], columns[:, None, :]]


def random_flip(images, rng):
    """Mirrors each image left to right with probability one half."""
    flipped = rng.random(len(images)) < 0.5
    return np.where(flipped[:, None, None, None], images[:, :, ::-1], images)
