"""PositionEmbedding against the formula."""

import math

import keras
import numpy as np
import pytest

from cctzoo.layers import PositionEmbedding
from cctzoo.layers.position import sinusoidal_positions
from tests.layers.contract import array, check_layer, random_array


@pytest.mark.parametrize("kind", ["learnable", "sine"])
def test_contract(kind, tmp_path):
    check_layer(PositionEmbedding, {"kind": kind}, (3, 7, 5), (3, 7, 5), tmp_path)


@pytest.mark.parametrize("width", [6, 7])
def test_sine(width):
    layer = PositionEmbedding("sine")
    x = random_array(2, 11, width)
    position = array(layer(x)) - x
    for place, channel in np.ndindex(11, width):
        angle = place / 10000 ** (2 * (channel // 2) / width)
        expected = math.cos(angle) if channel % 2 else math.sin(angle)
        np.testing.assert_allclose(position[:, place, channel], expected, atol=1e-5)
    assert layer.weights == []


def test_learnable_has_standard_deviation_0_2():
    layer = PositionEmbedding()
    layer.build((None, 101, 103))
    embedding = array(layer.embedding)
    assert embedding.std() == pytest.approx(0.2, rel=0.03)
    assert abs(embedding).max() > 0.5  # not cut at two deviations


def test_learnable_is_added_to_every_sample():
    layer = PositionEmbedding()
    x = random_array(2, 7, 5)
    np.testing.assert_allclose(array(layer(x)), x + array(layer.embedding), atol=1e-6)


def test_unknown_kind():
    with pytest.raises(ValueError, match="Received: kind='cosine'"):
        PositionEmbedding("cosine")


@pytest.mark.parametrize("kind", ["learnable", "sine"])
def test_unknown_length(kind):
    with pytest.raises(ValueError, match=r"Received: input_shape=\(None, None, 5\)"):
        PositionEmbedding(kind)(keras.Input((None, 5)))


def test_zero_first():
    layer = PositionEmbedding("sine", zero_first=True)
    found = array(layer(np.zeros((1, 5, 6), "float32")))[0]
    np.testing.assert_array_equal(found[0], np.zeros(6))
    np.testing.assert_allclose(found[1:], sinusoidal_positions(4, 6), atol=1e-6)
