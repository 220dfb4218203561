"""ConvPrefix against NumPy."""

import numpy as np
import pytest

from cctzoo.layers import ConvPrefix
from tests.layers import reference
from tests.layers.contract import array, check_layer, random_array, randomise

KINDS = ["vgg", "depthwise"]


def built(filters, kind, pool=(), sides=(5, 7), channels=3):
    layer = ConvPrefix(filters, kind, pool)
    layer.build((None, *sides, channels))
    randomise(layer)
    return layer


@pytest.mark.parametrize("kind", KINDS)
def test_contract(kind, tmp_path):
    options = {"filters": [5, 5], "kind": kind, "pool": [1]}
    check_layer(ConvPrefix, options, (2, 6, 7, 3), (2, 3, 3, 5), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_equals_numpy(kind):
    layer = built([5, 5], kind, pool=[1], sides=(6, 7))
    x = random_array(2, 6, 7, 3)
    first = numpy_block(layer.blocks[0], kind, x)
    pooled = reference.max_pool(first, 2, 2)
    expected = pooled + numpy_block(layer.blocks[1], kind, pooled)
    np.testing.assert_allclose(array(layer(x)), expected, rtol=1e-3, atol=1e-3)


def numpy_block(block, kind, x):
    weights = [layer.get_weights() for layer in block.layers if layer.weights]
    if kind == "vgg":
        (kernel,), norm = weights
        return np.maximum(batch_norm(reference.convolve(x, kernel, padding=1), *norm), 0)
    (wide,), norm0, (deep,), norm1, (narrow,), norm2 = weights
    assert wide.shape[-1] == 4 * x.shape[-1]
    x = np.maximum(batch_norm(reference.convolve(x, wide), *norm0), 0)
    x = np.maximum(batch_norm(reference.depthwise(x, deep), *norm1), 0)
    return batch_norm(reference.convolve(x, narrow), *norm2)


def batch_norm(x, gamma, beta, mean, variance):
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


@pytest.mark.parametrize("kind", KINDS)
def test_residual_if_the_shape_does_not_change(kind):
    """With scales and offsets at 0 a block adds nothing."""
    x = random_array(2, 5, 7, 3)
    for filters, expected in (([3], x), ([11], np.zeros((2, 5, 7, 11)))):
        layer = built(filters, kind)
        for weight in layer.weights:
            if weight.name in ("gamma", "beta"):
                weight.assign(np.zeros(weight.shape))
        np.testing.assert_allclose(array(layer(x)), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("pool", "sides", "expected"),
    [((), (5, 7), (5, 7)), ((0,), (5, 7), (2, 3)), ((0, 1, 2), (5, 12), (1, 1))],
)
def test_pool(pool, sides, expected):
    layer = ConvPrefix([2, 3, 5], pool=pool)
    assert layer(random_array(2, *sides, 3)).shape == (2, *expected, 5)


def test_batch_norm_updates_its_statistics_only_in_training():
    layer, x = built([5], "vgg"), random_array(11, 5, 7, 3)
    convolution, norm = layer.blocks[0].layers[:2]
    before = [array(norm.moving_mean), array(norm.moving_variance)]
    layer(x)
    np.testing.assert_array_equal(array(norm.moving_mean), before[0])
    layer(x, training=True)
    values = reference.convolve(x, *convolution.get_weights(), padding=1).reshape(-1, 5)
    for moving, old, batch in (
        (norm.moving_mean, before[0], values.mean(0)),
        (norm.moving_variance, before[1], values.var(0)),
    ):
        np.testing.assert_allclose(array(moving), 0.9 * old + 0.1 * batch, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"filters": [5], "kind": "resnet"}, "kind='resnet'"),
        ({"filters": [5, 7], "pool": [2]}, r"pool=\(2,\), filters=\(5, 7\)"),
        ({"filters": [5, 7], "pool": [-1]}, r"pool=\(-1,\), filters=\(5, 7\)"),
    ],
)
def test_errors(options, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        ConvPrefix(**options)
