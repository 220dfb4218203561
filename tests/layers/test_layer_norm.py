"""LayerNorm against NumPy and against Keras' own."""

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.layers import LayerNorm
from tests.layers.contract import array, check_layer, random_array, randomise


def test_contract(tmp_path):
    check_layer(LayerNorm, {"epsilon": 1e-5}, (3, 7, 5), (3, 7, 5), tmp_path)


def test_equals_numpy_and_keras():
    x = 3 + 10 * random_array(3, 7, 5)
    x[0, 0] = 4  # no variance
    layer = LayerNorm(epsilon=1e-3)
    layer.build(x.shape)
    randomise(layer)
    scale, shift = layer.get_weights()
    centred = x - x.mean(-1, keepdims=True)
    expected = centred / np.sqrt(x.var(-1, keepdims=True) + 1e-3) * scale + shift
    np.testing.assert_allclose(array(layer(x)), expected, rtol=1e-4, atol=1e-4)
    original = keras.layers.LayerNormalization(epsilon=1e-3)
    original.build(x.shape)
    original.set_weights([scale, shift])
    np.testing.assert_allclose(array(layer(x)), array(original(x)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("given", ["float32", "half"])
@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_statistics_are_float32_in_mixed_precision(half, given):
    """Means of bfloat16 numbers near 256, whose steps are 2, would be off by the deviation."""
    x = 256 + 2 * np.arange(8, dtype="float32")[None, None]
    layer = LayerNorm(epsilon=1e-5, dtype=f"mixed_{half}")
    expected = (x - x.mean()) / x.std()
    y = layer(ops.cast(x, half if given == "half" else given))
    assert keras.backend.standardize_dtype(y.dtype) == half
    np.testing.assert_allclose(array(y), expected, atol=0.02)
