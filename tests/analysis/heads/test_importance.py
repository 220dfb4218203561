"""Importance compared with finite differences, ablation with masked models."""

import numpy as np
import pytest

from cctzoo.analysis import (
    HeadScores,
    ProbeOptions,
    accuracy_by_kept_heads,
    gated_model,
    head_ablation,
    head_importance,
    masked_predictions,
    rank_heads,
    single_head_performance,
)
from tests.analysis.trained import labelled, scattered_model
from tests.models.small import small_model

once = pytest.mark.one_backend("torch")  # only NumPy


@pytest.fixture(scope="module")
def model():
    return scattered_model(heads=(3, 4))


@pytest.fixture(scope="module")
def parts(model):
    return labelled(model, 10)


def log_probabilities(logits):
    logits = logits.astype("float64") - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def test_importance_equals_finite_differences(model, parts):
    x, y = parts
    found = head_importance(model, x, y, batch_size=4)
    gated = gated_model(model, per_token=True)
    step, expected = 1e-2, {}
    for index, heads in enumerate((3, 4)):
        gates = [np.ones((10, 12, count), "float32") for count in (3, 4)]
        expected[index] = np.zeros(heads)
        for head in range(heads):
            for token in range(12):
                losses = []
                for sign in (1, -1):
                    gates[index][:, token, head] = 1 + sign * step
                    out = gated.predict_on_batch([x.astype("float32"), *gates])
                    losses.append(-log_probabilities(out)[np.arange(10), y])
                    gates[index][:, token, head] = 1
                slope = (losses[0] - losses[1]) / (2 * step)  # (B,): of the loss of each image
                expected[index][head] += np.abs(slope).sum()
        expected[index] /= np.linalg.norm(expected[index])
        np.testing.assert_allclose(found["importance"][index], expected[index], atol=0.02)
        assert np.linalg.norm(found["importance"][index]) == pytest.approx(1)
        assert found["importance"][index].std() > 0.02, "the importance must vary between heads"


def test_ablation_equals_masking(model, parts):
    x, y = parts
    found = head_ablation(model, x, y, batch_size=4)
    whole = np.exp(log_probabilities(masked_predictions(model, x, {})))
    np.testing.assert_allclose(whole, model.predict(x, verbose=0), atol=1e-4)
    rows = np.arange(len(y))
    for block, heads in enumerate((3, 4)):
        for head in range(heads):
            keep = {block: [other for other in range(heads) if other != head]}
            part = np.exp(log_probabilities(masked_predictions(model, x, keep)))
            drop = (whole - part)[rows, y].mean()
            assert found["probability_drop"][block][head] == pytest.approx(drop, abs=1e-4)
            right = (whole.argmax(1) == y).mean() - (part.argmax(1) == y).mean()
            assert found["accuracy_drop"][block][head] == pytest.approx(right)
            middle = (whole + part) / 2
            divergence = sum((p * np.log(p / middle)).sum(1) / 2 for p in (whole, part)).mean()
            assert found["divergence"][block][head] == pytest.approx(divergence, abs=1e-4)
    assert found["divergence"][1].max() > 1e-3


@once  # the other tests compare masks on each backend
def test_silenced_head_equals_zero_rows_of_the_projection(model, parts):
    x, _ = parts
    expected = masked_predictions(model, x, {1: [0, 2, 3]})
    layer = model.get_layer("block01").attention.projection
    kernel, bias = layer.get_weights()
    without = kernel.copy()
    without[6:12] = 0  # head 1 of width 6
    layer.set_weights([without, bias])
    try:
        found = masked_predictions(model, x, {})
    finally:
        layer.set_weights([kernel, bias])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_head_without_output_has_no_importance(parts):
    """If the rows of a head in the projection are 0, its importance and its ablation are 0."""
    model = scattered_model(heads=(3, 4))
    layer = model.get_layer("block00").attention.projection
    kernel, bias = layer.get_weights()
    kernel[8:16] = 0
    layer.set_weights([kernel, bias])
    importance = head_importance(model, *parts)
    assert importance["importance"][0][1] == pytest.approx(0, abs=1e-6)
    ablation = head_ablation(model, *parts, 0)
    assert list(ablation["divergence"]) == [0]
    assert ablation["divergence"][0][1] == pytest.approx(0, abs=1e-9)
    assert rank_heads(importance)[0][-1] == 1
    assert rank_heads(ablation, "divergence")[0][-1] == 1


@once
def test_rankings(model, parts):
    scores = HeadScores({"a": {0: np.array([1, 3, 2, 3])}, "b": {0: np.array([0, -1, 5, 2])}})
    assert rank_heads(scores)[0].tolist() == [1, 3, 2, 0]
    assert rank_heads(scores, "b")[0].tolist() == [2, 3, 0, 1]
    with pytest.raises(ValueError, match="Received: by='c'"):
        rank_heads(scores, "c")
    x, y = labelled(model, 30)
    options = ProbeOptions(pooling="mean")
    performance = single_head_performance(model, (x, y), (x, y), options=options)
    for block, ranking in rank_heads(performance).items():
        units = [performance[block].units[head] for head in ranking]
        keys = [(-len(unit.labels), unit.noise) for unit in units]
        assert keys == sorted(keys)
    with pytest.raises(ValueError, match="Received: by='noise'"):
        rank_heads(performance, "noise")


@once
def test_accuracy_by_kept_heads(model, parts):
    x, y = parts
    ranking = {0: np.array([2, 0, 1]), 1: np.array([1, 3, 0, 2])}
    found = accuracy_by_kept_heads(model, ranking, x, y)
    assert list(found) == [4, 2, 1], "all heads, then repeatedly half of them"
    for count, accuracy in found.items():
        keep = {block: heads[:count] for block, heads in ranking.items()}
        logits = masked_predictions(model, x, keep)
        assert accuracy == pytest.approx((logits.argmax(1) == y).mean())
    with pytest.raises(ValueError, match=r"Received: counts=\[2, 0\]"):
        accuracy_by_kept_heads(model, ranking, x, y, [2, 0])


@once
def test_save_and_load_scores(tmp_path):
    scores = HeadScores({"a": {3: np.array([1.5, 2])}}, {"samples": 7})
    scores.save(tmp_path / "scores.json")
    loaded = HeadScores.load(tmp_path / "scores.json")
    assert loaded["a"][3].tolist() == [1.5, 2]
    assert loaded.options == {"samples": 7}


@once
@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "[" * 10**5, "{}", '{"figures": {}}', '{"figures": [], "options": {}}'),
        *('{"figures": {"a": 1}, "options": {}}', '{"figures": {"a": {"x": [1]}}, "options": {}}'),
        *(
            f'{{"figures": {{"a": {{"0": {each}}}}}, "options": {{}}}}'
            for each in ("1", "[]", '["x"]', "[[1]]", "[NaN]", "[null]")
        ),
    ],
)
def test_broken_scores(tmp_path, text):
    (tmp_path / "scores.json").write_text(text)
    with pytest.raises(ValueError, match=r"Received: path='.*scores\.json': ."):
        HeadScores.load(tmp_path / "scores.json")


@once
def test_invalid_arguments(model, parts):
    x, y = parts
    for wrong, received in (
        (small_model(classifier_activation="sigmoid"), "classifier_activation='sigmoid'"),
        (small_model(include_top=False), "include_top=False"),
    ):
        with pytest.raises(ValueError, match=f"Received: .*{received}"):
            head_importance(wrong, x, y)
    with pytest.raises(ValueError, match="labels from 1 to 5, classes=5"):
        head_ablation(model, x, y + 1)
    with pytest.raises(ValueError, match="Received: blocks=5"):
        head_ablation(model, x, y, 5)
