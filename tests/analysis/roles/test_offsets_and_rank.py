"""Offsets, saturation and rank: planted attention, and loops over that of small models."""

import numpy as np
import pytest

from cctzoo import analysis
from cctzoo.analysis.roles import offsets, rank
from cctzoo.models import feature_extractor
from tests.analysis.trained import labelled, scatter, scattered_model
from tests.models.text_models import LENGTH, padded, text_model

pytestmark = pytest.mark.one_backend("torch")  # only NumPy, except for the features


def plant(monkeypatch, module, matrices):
    """Lets every sample have these attention matrices (N, T, T) in block 0 and in block 1."""

    def batches(model, samples, batch_size):
        tokens = matrices.shape[-1]
        for _ in samples:
            scores = {block: matrices[None].astype("float32") for block in (0, 1)}
            yield scores, np.ones((1, tokens), "float32")

    monkeypatch.setattr(module, "score_batches", batches)


def shift(down, right, grid=(3, 4)):
    """Each token attends to the token at an offset; where there is none, to all tokens."""
    rows, columns = grid
    scores = np.zeros((rows * columns, rows * columns))
    for query in range(rows * columns):
        row, column = query // columns + down, query % columns + right
        if 0 <= row < rows and 0 <= column < columns:
            scores[query, row * columns + column] = 1
        else:
            scores[query] = 1 / (rows * columns)
    return scores


def test_shifts_have_their_offset(monkeypatch):
    planted = [(0, 1), (-1, 0), (1, -1), (0, 0)]
    plant(monkeypatch, offsets, np.stack([shift(*each) for each in planted]))
    found = analysis.head_offsets(scattered_model(heads=4), np.zeros((3, 12, 16, 3), "uint8"))
    for block in (0, 1):
        maps = found.maps[block]
        assert maps.shape == (4, 5, 7)
        assert found.peaks[block].tolist() == [list(each) for each in planted]
        for head, (down, right) in enumerate(planted):
            assert maps[head, 2 + down, 3 + right] == pytest.approx(1)
            pairs = (3 - abs(down)) * (4 - abs(right)) / 12
            assert found.pairs[2 + down, 3 + right] == pytest.approx(pairs)
            assert found.peak_shares[block][head] == pytest.approx(pairs)
            assert found.lifts[block][head] == pytest.approx(12)
        np.testing.assert_allclose(found.shares[block].sum(axis=(1, 2)), 1, rtol=1e-5)
    assert found.step == 1


def test_equal_attention_has_no_peak(monkeypatch):
    plant(monkeypatch, offsets, np.full((1, 12, 12), 1 / 12))
    found = analysis.head_offsets(scattered_model(heads=1), np.zeros((1, 12, 16, 3), "uint8"))
    np.testing.assert_allclose(found.shares[0][0], found.equal, rtol=1e-5)
    assert found.lifts[0] == pytest.approx(1)
    assert found.equal.sum() == pytest.approx(1)


def test_offsets_of_a_class_token_equal_loops():
    model = scattered_model(0.5, family="vit", kernel_size=4)
    x, _ = labelled(model, 3)
    scores = feature_extractor(model, ["attention01"]).predict(x, verbose=0)["attention01"]
    scores = scores[:, :, 1:, 1:] / scores[:, :, 1:, 1:].sum(axis=-1, keepdims=True)
    sums, counts = np.zeros((3, 5, 7)), np.zeros((5, 7))
    for query in range(12):
        for key in range(12):
            place = 2 + key // 4 - query // 4, 3 + key % 4 - query % 4
            sums[:, *place] += scores[:, :, query, key].mean(axis=0)
            counts[place] += 1
    found = analysis.head_offsets(model, x, batch_size=2)
    np.testing.assert_allclose(found.maps[1], sums / counts, rtol=1e-4)
    np.testing.assert_allclose(found.pairs, counts / 12)
    for head, peak in enumerate(found.peaks[1]):
        means = np.where(counts >= 6, sums[head] / np.maximum(counts, 1), 0)
        assert (2 + peak[0], 3 + peak[1]) == np.unravel_index(means.argmax(), means.shape)


def test_offsets_of_texts_are_in_words():
    model = scatter(text_model("text_vit"), 0.5)
    longer = text_model("text_vit", length=29)
    longer.set_weights(model.get_weights())
    texts = [[5, 6, 7, 8, 9, 10, 11], [11, 12, 13], [4]]
    found = analysis.head_offsets(model, padded(texts, LENGTH))
    more = analysis.head_offsets(longer, padded(texts, 29))
    assert found.step == 4
    (size,) = found.pairs.shape
    cut = (more.pairs.size - size) // 2
    for block in (0, 2):
        np.testing.assert_allclose(more.maps[block][:, cut:-cut], found.maps[block], atol=1e-5)
        np.testing.assert_allclose(found.shares[block].sum(axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(more.equal[cut:-cut], found.equal, atol=1e-6)


def test_planted_rank_and_saturation(monkeypatch):
    half = np.eye(12)
    half[6:] = 1 / 12  # seven independent rows, half of them saturated
    matrices = np.stack([np.eye(12), np.full((12, 12), 1 / 12), half])
    plant(monkeypatch, rank, matrices)
    found = analysis.attention_rank(scattered_model(), np.zeros((2, 12, 16, 3), "uint8"))
    for block in (0, 1):
        assert found["saturation"][block].tolist() == [1, 0, 0.5]
        assert found["rank"][block].tolist() == [12, 1, 7]
        assert found["bound"][block].tolist() == [8, 8, 8]
    assert found.options == {"samples": 2}


def test_only_polynomial_attention_is_bound_by_the_width():
    changes = {"heads": 4, "head_dim": 2, "attention": ("softmax", "polynomial")}
    model = scattered_model(0.5, **changes)
    x, _ = labelled(model, 4)
    found = analysis.attention_rank(model, x)
    assert found["bound"][0].tolist() == [2] * 4
    assert found["bound"][1].tolist() == [3] * 4
    assert found["rank"][1].max() <= 3
    assert found["rank"][0].max() > 3, "the softmax raises the rank"


def test_padding_changes_no_rank():
    model, longer = text_model(), text_model(length=29)
    longer.set_weights(scatter(model, 0.5).get_weights())
    texts = [[5, 6, 7, 8, 9, 10, 11], [11, 12, 13], [4, 40]]
    found = analysis.attention_rank(model, padded(texts, LENGTH))
    more = analysis.attention_rank(longer, padded(texts, 29))
    for name in ("saturation", "rank"):
        for block in (0, 1, 2):
            np.testing.assert_allclose(more[name][block], found[name][block])
    assert found["rank"][0].max() > 1
