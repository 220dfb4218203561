"""batch_norm against NumPy, in training."""

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.layers.batch_norm import batch_norm
from tests.layers.attention_inputs import gradients, to_numpy
from tests.layers.contract import array, random_array, randomise

SHAPES = [(11, 5, 7, 3), (64, 3)]
TOLERANCES = {"float32": 1e-5, "mixed_bfloat16": 3e-2, "mixed_float16": 3e-3}


def built(shape, dtype="float32"):
    layer = batch_norm("norm", dtype)
    layer.build(shape)
    randomise(layer)
    return layer


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("shape", SHAPES)
def test_training_equals_numpy(shape, dtype):
    layer, x = built(shape, dtype), 3 + 2 * random_array(*shape)
    gamma, beta, mean, variance = layer.get_weights()
    x = to_numpy(ops.cast(ops.convert_to_tensor(x), layer.compute_dtype)).astype("float32")
    rows = x.reshape(-1, shape[-1])
    y = layer(ops.cast(ops.convert_to_tensor(x), layer.compute_dtype), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == layer.compute_dtype
    expected = (x - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5) * gamma + beta
    tolerance = TOLERANCES[dtype]
    np.testing.assert_allclose(array(y), expected, rtol=tolerance, atol=tolerance)
    # The moving averages are in float32 in every precision; the variance is that of n samples.
    for moving, old, batch in (
        (layer.moving_mean, mean, rows.mean(0)),
        (layer.moving_variance, variance, rows.var(0)),
    ):
        np.testing.assert_allclose(array(moving), 0.9 * old + 0.1 * batch, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_equals_numpy(shape):
    layer, x, upstream = built(shape), random_array(*shape), random_array(*shape)

    def call(x):
        with keras.StatelessScope():  # the moving averages are not variables of the gradient
            return layer(x, training=True)

    (found,) = gradients(call, [ops.convert_to_tensor(x)], ops.convert_to_tensor(upstream))
    rows, above = (v.reshape(-1, shape[-1]).astype("float64") for v in (x, upstream))
    deviation = np.sqrt(rows.var(0) + 1e-5)
    normed = (rows - rows.mean(0)) / deviation
    above = above * layer.get_weights()[0]
    expected = (above - above.mean(0) - normed * (above * normed).mean(0)) / deviation
    np.testing.assert_allclose(to_numpy(found).reshape(rows.shape), expected, rtol=1e-3, atol=1e-5)


def test_constant_channel():
    """A variance of 0 is not below 0 after rounding."""
    layer = built((4, 3))
    beta = layer.get_weights()[1]
    y = layer(ops.ones((4, 3)), training=True)
    np.testing.assert_allclose(array(y), np.tile(beta, (4, 1)), rtol=1e-4)
    assert (layer.get_weights()[3] >= 0).all()


def test_frozen_layer_uses_its_statistics():
    layer, x = built((4, 3)), random_array(4, 3)
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_allclose(array(layer(x, training=True)), array(layer(x)), rtol=1e-6)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
