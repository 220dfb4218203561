"""The analysis of text models: padding changes no result."""

import numpy as np
import pytest

from cctzoo import analysis
from cctzoo.analysis.heads.gates import gated_model
from cctzoo.analysis.heads.gradients import gate_gradients
from cctzoo.models import feature_extractor
from tests.analysis.trained import scatter
from tests.models.small import CLASSES, predict, to_array
from tests.models.text_models import LENGTH, WORDS, padded, text_model

once = pytest.mark.one_backend("torch")  # the other tests run on each backend
FAMILIES = ("text_cct", "text_vit")  # sequence pooling, class token
BLOCK = 2  # the last


def texts_of(seed, count=30):
    """Texts of 1 to `LENGTH` words, more than half of them words of the text's label."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % CLASSES
    own = (WORDS - 2) // CLASSES
    texts = []
    for label in y:
        size = rng.integers(1, LENGTH + 1)
        words = 2 + rng.integers(0, own, size) + own * label
        texts.append(np.where(rng.random(size) < 0.6, words, rng.integers(2, WORDS, size)))
    return texts, y


@pytest.fixture(scope="module")
def parts():
    return texts_of(0), texts_of(1, 20)


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request):
    """The same model for two text lengths."""
    model = scatter(text_model(request.param))
    longer = text_model(request.param, length=29)
    longer.set_weights(model.get_weights())
    return model, longer


@pytest.fixture(scope="module")
def model():
    return scatter(text_model())


def measured(model, parts):
    """Nearly all results of the analysis, as a dict of arrays."""
    train, test = ((padded(texts, model.config.length), y) for texts, y in parts)
    x, y = test
    found = {"masked": analysis.masked_predictions(model, x, {BLOCK: [1]})}
    poolings = [{"pooling": "mean"}, {}, {"recompute_pooling": True}]
    if model.config.token_pooling == "sequence":
        poolings.append({"pooling": "model"})
    for each in poolings:
        options = analysis.ProbeOptions(l2=0.1, **each)
        heads = analysis.single_head_performance(model, train, test, BLOCK, options)
        found[f"fields {each}"] = heads[BLOCK].fields / abs(heads[BLOCK].fields).max()
    scores = {
        "importance": analysis.head_importance(model, x, y, batch_size=8),
        "ablation": analysis.head_ablation(model, x, y, BLOCK),
        "distance": analysis.attention_distance(model, x),
        "entropy": analysis.attention_entropy(model, x),
    }
    for name, each in scores.items():
        found |= {f"{name} {figure}": by[BLOCK] for figure, by in each.figures.items()}
    del found["ablation accuracy_drop"]  # a multiple of 1 / 20, often 0
    return found | {"rollout": analysis.attention_rollout(model, x)}


@once
def test_padding_changes_no_result(pair, parts):
    short, long = (measured(model, parts) for model in pair)
    tokens = short["rollout"].shape[1]
    assert long["rollout"].shape[1] > tokens
    assert not long["rollout"][:, tokens:].any()
    long["rollout"] = long["rollout"][:, :tokens]
    for name, value in short.items():
        # The result of 60 L-BFGS steps depends on the last digits of the features.
        trained = name.startswith("fields") and "'mean'" not in name and "'model'" not in name
        atol = 2e-2 if trained else 3e-3 if name.startswith("fields") else 1e-4
        np.testing.assert_allclose(long[name], value, atol=atol, err_msg=name)
        assert value.std() > 10 * atol, f"{name} must vary, or the comparison is empty"


def test_fields_equal_those_of_unpadded_texts(model, parts):
    """Each text is pooled over its own tokens; the fields add up to the logits of the probe."""
    train, (texts, y) = ((padded(texts, LENGTH), y) for texts, y in parts)
    heads = analysis.single_head_performance(model, train, (texts, y), BLOCK)
    probe = heads[BLOCK].probe
    features = feature_extractor(model, ["mask", "heads02"])(texts)
    z, mask = (to_array(features[name]) for name in ("heads02", "mask"))
    single = np.zeros((len(y), 3, CLASSES))
    for i, row in enumerate(z):
        row = row[: int(mask[i].sum())]  # (t, N, H)
        weights = np.exp(row.reshape(len(row), -1) @ probe.score)
        pooled = np.einsum("t,tnh->nh", weights / weights.sum(), row)
        single[i] = np.einsum("nh,nhc->nc", pooled, probe.kernel.reshape(3, 8, CLASSES))
    for label in range(CLASSES):
        expected = single[y == label].mean(axis=0)  # (N, C)
        np.testing.assert_allclose(heads[BLOCK].fields[:, label], expected, atol=1e-4)
    assert heads[BLOCK].accuracy == pytest.approx((single.sum(1).argmax(1) == y).mean())


@pytest.mark.parametrize("family", ["text_vit", pytest.param("text_cct", marks=once)])
def test_attention_maps_equal_those_of_unpadded_texts(family, parts):
    """Rollout, distance and entropy of one text at a time, with its padding cut off."""
    model = scatter(text_model(family))
    ids = padded(parts[1][0][:4], LENGTH)
    extra = model.config.has_class_token
    names = [f"attention{block:02d}" for block in range(3)]
    weighted = ["pooling_weights"] * (not extra)
    features = feature_extractor(model, [*names, "mask", *weighted])(ids)
    found = {name: to_array(value) for name, value in features.items()}
    maps = np.zeros((4, model.config.tokens - extra))
    heads = np.zeros((3, 4, 3, maps.shape[1]))  # (blocks, texts, heads, T)
    distance, entropy = np.zeros((3, 3)), np.zeros((3, 3))  # (blocks, heads)
    for i in range(4):
        count = int(found["mask"][i].sum())
        product = np.eye(count)
        places = np.arange(count - extra)
        for block, name in enumerate(names):
            scores = found[name][i, :, :count, :count]
            np.testing.assert_allclose(scores.sum(axis=-1), 1, atol=1e-5)
            product = (scores.mean(axis=0) + np.eye(count)) / 2 @ product
            entropy[block] -= (scores * np.log(scores)).sum(-1).mean(-1) / 4
            words = scores[:, extra:, extra:] / scores[:, extra:, extra:].sum(-1, keepdims=True)
            far = (words * abs(places[:, None] - places)).sum(-1)
            distance[block] += far.mean(-1) / 4
        start = np.eye(count)[0] if extra else found["pooling_weights"][i, :count]
        row = (start @ product)[extra:]
        maps[i, : count - extra] = row / row.sum()
        for block, name in enumerate(names):
            row = np.einsum("q,hqk->hk", start, found[name][i, :, :count, :count])[:, extra:]
            heads[block, i, :, : count - extra] = row / row.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(analysis.attention_rollout(model, ids), maps, atol=1e-5)
    for block, each in analysis.attention_maps(model, ids).items():
        np.testing.assert_allclose(each, heads[block], atol=1e-5)
    assert (maps == 0).any(), "at least one text must be padded"
    for block in range(3):
        for function, expected in (
            (analysis.attention_distance, distance),
            (analysis.attention_entropy, entropy),
        ):
            ((found,),) = [function(model, ids).figures.values()]
            np.testing.assert_allclose(found[block], expected[block], rtol=1e-3)


def test_importance_ignores_padding(model, parts):
    texts, y = parts[1]
    ids = padded(texts, LENGTH)
    gated = gated_model(model, per_token=True)
    gates = [np.ones((len(y), *each.shape[1:]), "float32") for each in gated.inputs[1:]]
    slopes = gate_gradients(gated)(ids, gates, y)[BLOCK]  # (B, T, N)
    mask = to_array(feature_extractor(model, ["mask"])(ids)["mask"]) > 0
    assert not slopes[~mask].any()
    expected = sum(abs(row[own]).mean(axis=0) for row, own in zip(slopes, mask, strict=True))
    found = analysis.head_importance(model, ids, y, batch_size=8)["importance"][BLOCK]
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"family": "text_vit", "heads": (2, 3, 4), "head_dim": 5},
        *(pytest.param(changes, marks=once) for changes in ({}, {"conv_prefix": 1})),
    ],
)
def test_pruned_equals_masked(changes, parts):
    model = scatter(text_model(**changes))
    (texts, y), ids = parts[1], padded(parts[1][0], LENGTH)
    keep = {1: [1], 2: [2, 0]}
    pruned = analysis.prune_heads(model, keep)
    expected = analysis.masked_predictions(model, ids, keep)
    np.testing.assert_allclose(predict(pruned, ids), expected, atol=1e-5)
    assert np.abs(expected - predict(model, ids)).max() > 1e-3
    assert pruned.config.block_heads[-2:] == (1, 2)
    counted = analysis.accuracy_by_kept_heads(model, {2: [0, 1, 2]}, ids, y, [1])
    right = analysis.masked_predictions(model, ids, {2: [0]}).argmax(1) == y
    assert counted == {1: pytest.approx(right.mean())}
    assert len(texts) == len(expected)


@once  # heads/test_importance.py compares them on each backend
def test_ablation_equals_masking(model, parts):
    ids, y = padded(parts[1][0], LENGTH), parts[1][1]
    found = analysis.head_ablation(model, ids, y, 1, batch_size=8)["probability_drop"][1]

    def true_label(keep):
        logits = analysis.masked_predictions(model, ids, keep).astype("float64")
        chances = np.exp(logits - logits.max(1, keepdims=True))
        return (chances / chances.sum(1, keepdims=True))[np.arange(len(y)), y].mean()

    expected = [true_label({}) - true_label({1: [h for h in range(3) if h != k]}) for k in range(3)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(expected).max() > 1e-3


@pytest.mark.one_backend("torch")  # only NumPy
def test_connections_of_a_text_model(model, parts):
    train, test = ((padded(texts, LENGTH), y) for texts, y in parts)
    units = ("attention_node", "stream_node", "mlp_node")
    options = analysis.ProbeOptions(pooling="mean")
    features = analysis.pool_features(model, train, test, units=units, options=options)
    masks = analysis.connection_masks(model, *(analysis.measure(features, unit) for unit in units))
    assert len(masks) == 7  # two in each block, and the classifier
    assert 0 < np.mean([mask.mean() for mask in masks.values()]) < 1
