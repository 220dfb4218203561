"""ConvTokenizer against a NumPy convolution with explicit padding."""

import keras
import numpy as np
import pytest

from cctzoo.layers import ConvTokenizer
from tests.layers.contract import array, check_layer, random_array, randomise
from tests.layers.reference import convolve, max_pool

GEOMETRY = {1: (1, 1), 2: (1, 1), 3: (1, 1), 4: (1, 2), 5: (1, 2), 7: (2, 3)}  # stride, padding


@pytest.mark.parametrize("kernel_size", [3, 7])
def test_contract(kernel_size, tmp_path):
    options = {"filters": 5, "kernel_size": kernel_size, "conv_layers": 2, "hidden_filters": 7}
    sides = {3: (4, 5), 7: (1, 2)}[kernel_size]
    check_layer(ConvTokenizer, options, (2, 13, 17, 3), (2, *sides, 5), tmp_path)


@pytest.mark.parametrize("kernel_size", GEOMETRY)
@pytest.mark.parametrize("sides", [(11, 13), (14, 19)])
def test_equals_numpy(kernel_size, sides):
    stride, padding = GEOMETRY[kernel_size]
    layer = ConvTokenizer(5, kernel_size, conv_layers=2, hidden_filters=7)
    x = random_array(2, *sides, 3)
    layer.build(x.shape)
    randomise(layer)
    expected = x
    for kernel in layer.get_weights():
        expected = np.maximum(convolve(expected, kernel, stride, padding), 0)
        expected = max_pool(expected, 3, 2, 1)
    np.testing.assert_allclose(array(layer(x)), expected, rtol=1e-4, atol=1e-4)


def test_channels():
    layer = ConvTokenizer(5, 3, conv_layers=3)
    layer.build((None, 16, 16, 2))
    shapes = [weight.shape for weight in layer.weights]
    assert shapes == [(3, 3, 2, 64), (3, 3, 64, 64), (3, 3, 64, 5)]


def test_kernels_are_he_normal():
    layer = ConvTokenizer(512, 3)
    layer.build((None, 16, 16, 23))
    assert array(layer.weights[0]).std() == pytest.approx((2 / (9 * 23)) ** 0.5, rel=0.02)


def test_independent_of_the_image_format():
    """Also where Keras is configured for channels in front."""
    expected = ConvTokenizer(5)(random_array(2, 11, 13, 3)).shape
    keras.config.set_image_data_format("channels_first")
    try:
        assert ConvTokenizer(5)(random_array(2, 11, 13, 3)).shape == expected
    finally:
        keras.config.set_image_data_format("channels_last")


def test_no_layers():
    with pytest.raises(ValueError, match="Received: conv_layers=0"):
        ConvTokenizer(5, conv_layers=0)


@pytest.mark.parametrize("options", [{"filters": 0}, {"filters": 5, "kernel_size": 0}])
def test_empty_convolutions(options):
    with pytest.raises(ValueError, match=r"0"):
        ConvTokenizer(**options)
