"""Max pooling without copies against Keras' layer."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.layers.attention_inputs import gradients, to_numpy
from tests.layers.contract import random_array

pytestmark = pytest.mark.one_backend("torch")


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("sides", [(6, 8), (5, 7), (1, 9)])
def test_equals_keras(sides, padding):
    from cctzoo.layers.max_pool_torch import max_pool

    x = ops.convert_to_tensor(random_array(3, *sides, 5))
    size = tuple(min(2, side) for side in sides)
    layer = keras.layers.MaxPooling2D(size, padding=padding, data_format="channels_last")
    expected = layer(x)
    found = max_pool(x, size, keep_rest=padding == "same")
    np.testing.assert_array_equal(to_numpy(found), to_numpy(expected))
    upstream = ops.convert_to_tensor(random_array(*expected.shape))
    results = [
        gradients(function, [x], upstream)[0]
        for function in (layer, lambda x: max_pool(x, size, keep_rest=padding == "same"))
    ]
    np.testing.assert_array_equal(*map(to_numpy, results))
