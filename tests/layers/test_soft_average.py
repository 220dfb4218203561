"""SoftAverage against NumPy."""

import keras
import numpy as np
import pytest

from cctzoo.layers import SoftAverage
from tests.layers import reference
from tests.layers.contract import array

B, C = 5, 7
SHARES = (0.5, 0.2, 0.0, 0.3)
CASES = [(a, b) for a in ("probabilities", "logits") for b in ("softmax", None)]


def logits(scale=3.0):
    """(M, B, C)"""
    return (scale * np.random.default_rng(0).standard_normal((4, B, C))).astype("float32")


def by_hand(average, activation, z):
    shares = np.reshape(SHARES, (-1, 1, 1))
    if average == "probabilities":
        mean = (shares * reference.softmax(z)).sum(0)
        return mean if activation else np.log(mean)
    mean = (shares * z).sum(0)
    return reference.softmax(mean) if activation else mean


@pytest.mark.parametrize(("average", "activation"), CASES)
def test_equals_numpy(average, activation):
    z = logits()
    outputs = array(SoftAverage(SHARES, average, activation)(list(z)))
    np.testing.assert_allclose(outputs, by_hand(average, activation, z), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("average", "activation"), CASES)
def test_config_and_shape(average, activation):
    layer = SoftAverage(SHARES, average, activation, name="mean")
    clone = SoftAverage.from_config(layer.get_config())
    assert clone.get_config() == layer.get_config()
    z = list(logits())
    np.testing.assert_array_equal(array(clone(z)), array(layer(z)))
    assert layer([keras.Input((C,)) for _ in SHARES]).shape == (None, C)


@pytest.mark.parametrize(("average", "activation"), CASES)
def test_computes_in_float32(average, activation):
    keras.config.set_dtype_policy("mixed_bfloat16")
    low = [keras.ops.cast(z, "bfloat16") for z in logits()]
    outputs = SoftAverage(SHARES, average, activation)(low)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    expected = by_hand(average, activation, np.stack([array(z) for z in low]))
    np.testing.assert_allclose(array(outputs), expected, rtol=1e-5, atol=1e-6)


def test_logarithms_stay_finite():
    """Where every probability of a class is 0 in float32, or a member's share is."""
    z = logits(1.0)
    z[..., 0] -= 500
    z[2] = 1e4  # of no share
    outputs = array(SoftAverage(SHARES, "probabilities", None)(list(z)))
    np.testing.assert_allclose(
        outputs, by_hand("probabilities", None, z.astype("float64")), rtol=1e-5
    )
    assert (outputs[:, 0] < -400).all()
