"""Small models with large random weights, and labelled images."""

import numpy as np

from tests.models.small import CLASSES, small_model


def scattered_model(scale=0.3, **changes):
    """Builds a small model with weights so large that every head changes the prediction."""
    return scatter(small_model(**changes), scale)


def scatter(model, scale=0.3):
    """Assigns large random weights to the model, and returns the model."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        value = scale * rng.standard_normal(weight.shape)
        if weight.name in ("gamma", "moving_variance"):
            value = 1 + abs(value)
        weight.assign(value)
    return model


def labelled(model, count=40, seed=0):
    """Returns (images, labels): noise plus a brightness that increases with the label."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % CLASSES
    x = rng.integers(0, 120, (count, *model.config.input_shape))
    x[:, :, :, 0] += 30 * y[:, None, None]
    return x.astype("uint8"), y
