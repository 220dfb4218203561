"""SequencePooling against NumPy."""

import keras
import numpy as np
from keras import ops

from cctzoo.layers import SequencePooling
from tests.layers import reference
from tests.layers.contract import array, check_layer, random_array, randomise

B, T, D = 3, 11, 7


def built():
    layer = SequencePooling()
    layer.build((B, T, D))
    randomise(layer)
    return layer


def test_contract(tmp_path):
    # A constant on all scores leaves softmax as it is.
    check_layer(SequencePooling, {}, (B, T, D), (B, D), tmp_path, no_gradient=["score/bias"])


def test_equals_numpy():
    layer, x = built(), random_array(B, T, D)
    kernel, bias = layer.get_weights()
    expected = reference.softmax((x @ kernel + bias)[..., 0])  # (B, T)
    pooled, weights = map(array, layer(x, return_weights=True))
    np.testing.assert_allclose(weights, expected, rtol=1e-4)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(pooled, np.einsum("bt,btd->bd", expected, x), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(array(layer(x)), pooled)


def test_masked_tokens_have_no_influence():
    layer, x = built(), random_array(B, T, D)
    mask = np.arange(T) < np.array([[4], [11], [2]])
    outputs, weights = map(array, layer(x, mask=ops.convert_to_tensor(mask), return_weights=True))
    assert not weights[~mask].any()
    for i, length in enumerate((4, 11, 2)):
        single = array(layer(x[i : i + 1, :length]))[0]
        np.testing.assert_allclose(outputs[i], single, rtol=1e-4, atol=1e-5)


def test_mask_is_not_passed_on():
    layer, x = built(), random_array(B, T, D)
    x[1, 4:] = 0
    pooled = layer(keras.layers.Masking()(x))
    np.testing.assert_allclose(array(pooled)[1], array(layer(x[1:2, :4]))[0], rtol=1e-4, atol=1e-5)
    assert getattr(pooled, "_keras_mask", None) is None


def test_weights_are_float32_in_mixed_precision():
    _, weights = SequencePooling(dtype="mixed_bfloat16")(random_array(B, T, D), return_weights=True)
    assert keras.backend.standardize_dtype(weights.dtype) == "float32"
