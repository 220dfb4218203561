"""Dropout within tiles: its share, its independence, its gradient."""

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.layers.attention.reference import plain_scores
from cctzoo.layers.attention.scaled_dot_product import attend
from tests.layers.attention_inputs import B, N, T, draw, gradients, make_mask, to_numpy


def kept_scores(rate, seed_generator, tokens=11, batch=31):
    """Scores after dropout: uniform scores on an identity as value."""
    zeros = ops.zeros((batch, N, tokens, tokens))
    identity = zeros + ops.eye(tokens)
    return to_numpy(attend(zeros, zeros, identity, None, rate, seed_generator, "fused"))


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_keeps_its_rate_and_the_mean(rate):
    scores = kept_scores(rate, keras.random.SeedGenerator(2)) * 11
    kept = scores > 0
    np.testing.assert_allclose(scores[kept], 1 / (1 - rate), rtol=1e-4)
    deviation = np.sqrt(rate * (1 - rate))
    # Five standard errors of the mean over the other axes: over all, per query, per key.
    for axes in [(0, 1, 2, 3), (0, 1, 3), (0, 1, 2)]:
        count = kept.size / np.mean(kept, axis=axes).size
        np.testing.assert_allclose(
            kept.mean(axis=axes), 1 - rate, atol=5 * deviation / np.sqrt(count)
        )


def test_dropout_is_independent_between_heads_samples_and_neighbours(tile):
    kept = kept_scores(0.5, keras.random.SeedGenerator(2), T, B) > 0
    signs = np.where(kept, 1.0, -1.0)
    for axis in range(4):
        correlation = (signs * np.roll(signs, 1, axis)).mean()
        assert abs(correlation) < 5 / np.sqrt(signs.size), axis


def test_dropout_follows_the_state_of_the_seed():
    seeds = keras.random.SeedGenerator(5)
    first, second = kept_scores(0.3, seeds), kept_scores(0.3, seeds)
    again = kept_scores(0.3, keras.random.SeedGenerator(5))
    other = kept_scores(0.3, keras.random.SeedGenerator(6))
    np.testing.assert_array_equal(first, again)
    for different in (second, other):
        differs = ((first > 0) != (different > 0)).mean()
        assert abs(differs - 2 * 0.3 * 0.7) < 0.03


def test_gradients_equal_plain_attention_with_the_same_dropout(tile):
    rate, shape = 0.3, (B, N, T, T)  # H = T: the value can be an identity
    query, key, value, upstream = draw(4, shape)
    mask = make_mask("pairs")
    seeds = [keras.random.SeedGenerator(7) for _ in range(2)]
    identity = ops.zeros(shape) + ops.eye(T)
    scores = attend(query, key, identity, mask, rate, seeds[0], "fused")
    factor = ops.convert_to_numpy(scores) / ops.convert_to_numpy(
        plain_scores(query, key, mask) + 1e-30
    )
    factor = ops.convert_to_tensor(np.where(factor > 0.5, 1 / (1 - rate), 0), "float32")
    assert 0.1 < float(ops.mean(factor)) < 0.9  # masked ones count as dropped

    def plain(query, key, value):
        return ops.matmul(plain_scores(query, key, mask) * factor, value)

    fused = gradients(
        lambda *x: attend(*x, mask, rate, seeds[1], "fused"), [query, key, value], upstream
    )
    expected = gradients(plain, [query, key, value], upstream)
    for result, reference in zip(fused, expected, strict=True):
        np.testing.assert_allclose(result, reference, atol=2e-5)


def test_dropout_needs_a_seed_generator():
    with pytest.raises(ValueError, match=r"needs a `seed_generator`\. Received: dropout=0\.1"):
        attend(*draw(), dropout=0.1)
