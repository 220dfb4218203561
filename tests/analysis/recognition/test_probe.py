"""The probe, compared with finite differences, its optimum, and planted tokens."""

import numpy as np
import pytest

from cctzoo.analysis.recognition import probe

pytestmark = pytest.mark.one_backend("torch")  # only NumPy


def planted(n=300, tokens=5, width=8, classes=3, seed=0):
    """Random tokens; one token, marked in channel 0, holds the class in channels 1 to C."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, tokens, width)).astype("float32")
    y = rng.integers(0, classes, n)
    place = rng.integers(0, tokens, n)
    x[:, :, 0] = 0
    x[np.arange(n), place, 0] = 4
    x[np.arange(n), place, 1 + y] += 5
    return x, y, place


def test_classifier_reaches_the_optimum():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 5)).astype("float32") * 7
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 3)
    kernel, bias = probe.fit_classifier(x, y, 3, l2=1e-2)
    assert not bias.any()
    scale = np.sqrt(np.square(x).mean())

    def gradient(kernel):
        logits = x @ kernel
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return x.T @ (p - np.eye(3)[y]) / len(y) + 1e-2 * scale**2 * kernel

    np.testing.assert_allclose(gradient(kernel), 0, atol=1e-3 * scale)
    assert abs(gradient(0 * kernel)).max() > 0.2 * scale
    np.testing.assert_allclose(kernel.sum(axis=1), 0, atol=1e-4)


def test_classifier_with_bias():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((90, 2)).astype("float32")
    y = (np.arange(90) % 3 > 0).astype(int)  # two thirds have class 1, independent of x
    _, bias = probe.fit_classifier(x, y, 2, bias=True)
    assert bias[1] - bias[0] == pytest.approx(np.log(2), abs=0.2)


def test_pooling_gradient_equals_finite_differences(monkeypatch):
    x, y, _ = planted(n=37)
    caught = {}

    def catch(loss, start, iterations):
        caught["loss"] = loss
        return start

    monkeypatch.setattr(probe, "_minimum", catch)
    probe.fit_pooling(x, y, 3, l2=0.1)
    rng = np.random.default_rng(1)
    point = rng.standard_normal(8 + 24)
    _, gradient = caught["loss"](point)
    for _ in range(8):
        direction = rng.standard_normal(32)
        direction /= np.linalg.norm(direction)
        ends = [caught["loss"](point + sign * 5e-3 * direction)[0] for sign in (1, -1)]
        assert (ends[0] - ends[1]) / 1e-2 == pytest.approx(gradient @ direction, abs=2e-3)


def test_padding_does_not_change_the_pooling(monkeypatch):
    """Loss and gradient with padding tokens equal those without."""
    x, y, _ = planted(n=37)
    rng = np.random.default_rng(2)
    padded = np.concatenate([x, 30 * rng.standard_normal((37, 3, 8)).astype("float32")], axis=1)
    mask = np.repeat([[True] * 5 + [False] * 3], 37, axis=0)
    losses = []
    monkeypatch.setattr(probe, "_minimum", lambda loss, start, _: losses.append(loss) or start)
    probe.fit_pooling(x, y, 3)
    probe.fit_pooling(padded, y, 3, mask)
    point = rng.standard_normal(8 + 24)
    (value, gradient), (found, slopes) = (loss(point) for loss in losses)
    assert found == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(slopes, gradient, atol=1e-5)
    score = point[:8].astype("float32")
    weights = probe.token_weights(padded, score, mask)
    assert not weights[:, 5:].any()
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    single = probe.unit_token_weights(padded.reshape(37, 8, 4, 2), score, mask)
    assert not single[:, 5:].any()
    np.testing.assert_allclose(single.sum(axis=1), 1, rtol=1e-5)


def test_pooling_finds_the_planted_token():
    x, y, place = planted()
    score = probe.fit_pooling(x, y, 3)
    weights = probe.token_weights(x, score)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    assert weights[np.arange(len(x)), place].mean() > 0.8
    assert (weights.argmax(axis=1) == place).mean() > 0.95


def test_scale_of_the_features_does_not_change_the_classifier():
    x, y, _ = planted()
    flat = x.reshape(len(x), -1)
    for factor in (1e-4, 1e4):
        kernel, _ = probe.fit_classifier(flat * np.float32(factor), y, 3)
        expected, _ = probe.fit_classifier(flat, y, 3)
        np.testing.assert_allclose(kernel * factor, expected, atol=2e-2 * abs(expected).max())


def test_recompute_pooling_per_unit():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 5, 7)).astype("float32")  # (B, T, U, H)
    score = rng.standard_normal(35).astype("float32")
    weights = probe.unit_token_weights(x, score)
    for unit in range(5):
        single = np.zeros_like(x)
        single[:, :, unit] = x[:, :, unit]
        expected = probe.token_weights(single.reshape(2, 3, 35), score)
        np.testing.assert_allclose(weights[:, :, unit], expected, rtol=1e-5)
