"""MaskedAverage against NumPy."""

import numpy as np
from keras import ops

from cctzoo.layers import MaskedAverage
from tests.layers.contract import array, check_layer, random_array

B, T, D = 3, 11, 7


def test_contract(tmp_path):
    check_layer(MaskedAverage, {}, (B, T, D), (B, D), tmp_path)


def test_padding_is_left_out():
    x = random_array(B, T, D)
    mask = np.arange(T) < np.array([[4], [11], [0]])
    outputs = array(MaskedAverage()(x, mask=ops.convert_to_tensor(mask)))
    for i, length in enumerate((4, 11)):
        np.testing.assert_allclose(outputs[i], x[i, :length].mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(outputs[2], 0)
