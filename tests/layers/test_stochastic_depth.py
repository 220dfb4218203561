"""StochasticDepth: whole samples, unchanged in expectation."""

import numpy as np
import pytest

from cctzoo.layers import StochasticDepth
from tests.layers.contract import array, check_layer, random_array


def test_contract(tmp_path):
    check_layer(StochasticDepth, {"rate": 0.3}, (3, 7, 5), (3, 7, 5), tmp_path)


@pytest.mark.parametrize("shape", [(5,), (5, 7), (5, 7, 3)])
def test_per_sample_all_or_nothing(shape):
    x = random_array(1009, *shape) + 5  # 5 keeps it away from 0
    ratio = (array(StochasticDepth(0.3, seed=0)(x, training=True)) / x).reshape(1009, -1)
    assert (np.ptp(ratio, axis=1) < 1e-5).all()
    dropped = ratio[:, 0] == 0
    np.testing.assert_allclose(ratio[~dropped], 1 / 0.7, rtol=1e-5)
    assert dropped.mean() == pytest.approx(0.3, abs=0.05)  # 3.5 deviations of the mean


def test_identity_in_inference_and_at_rate_0():
    x = random_array(13, 7)
    np.testing.assert_array_equal(array(StochasticDepth(0.9)(x)), x)
    np.testing.assert_array_equal(array(StochasticDepth(0)(x, training=True)), x)


def test_rate_1_drops_all():
    outputs = array(StochasticDepth(1)(random_array(13, 7), training=True))
    np.testing.assert_array_equal(outputs, np.zeros((13, 7)))


def test_seed():
    x = random_array(101, 2)
    layer, twin = StochasticDepth(0.5, seed=3), StochasticDepth(0.5, seed=3)
    first, second = (array(layer(x, training=True)) for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(array(twin(x, training=True)), first)


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_errors(rate):
    with pytest.raises(ValueError, match=f"Received: rate={rate}"):
        StochasticDepth(rate)
