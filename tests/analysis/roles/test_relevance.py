"""Class relevance, compared with finite differences and with the published rules in loops."""

import numpy as np
import pytest

from cctzoo import data, models
from cctzoo.analysis import class_relevance, word_relevance
from cctzoo.analysis.heads.gates import score_gated_model
from cctzoo.analysis.heads.gradients import class_logit, gate_gradients
from cctzoo.layers.attention.layer import MultiHeadSelfAttention
from cctzoo.models import feature_extractor
from cctzoo.training import evaluation
from tests.analysis.trained import labelled, scatter, scattered_model
from tests.models.small import to_array
from tests.models.text_models import LENGTH, padded, text_model

once = pytest.mark.one_backend("torch")


def products_of(model, x, y):
    """Attention times gradient of each block, (n, N, T, T)."""
    gated = score_gated_model(model)
    gates = [np.ones((len(x), *each.shape[1:]), "float32") for each in gated.inputs[1:]]
    return gate_gradients(gated, class_logit)(np.asarray(x, gated.inputs[0].dtype), gates, y)


@pytest.mark.parametrize("attention", ["softmax", "polynomial"])
def test_gated_scores_weight_the_values(attention):
    layer = MultiHeadSelfAttention(3, 2, attention=attention)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 7)).astype("float32")
    layer.build(x.shape)
    scatter(layer, 0.5)
    gates = rng.uniform(0, 2, (2, 3, 5, 5)).astype("float32")
    _, scores = layer(x, return_attention_scores=True)
    value = (x @ layer.get_weights()[0][:, 12:]).reshape(2, 5, 3, 2)
    expected = np.einsum("bnqk,bknh->bqnh", to_array(scores) * gates, value)
    _, heads = layer(x, score_gates=gates, return_heads=True)
    np.testing.assert_allclose(to_array(heads), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        to_array(layer(x, score_gates=np.ones_like(gates))), to_array(layer(x)), atol=1e-5
    )


def test_gradients_equal_finite_differences():
    """Of each backend, with both kinds of attention in one model."""
    model = scattered_model(0.3, heads=(3, 2), head_dim=4, attention=("softmax", "polynomial"))
    x, y = labelled(model, 2)
    x, y = x.astype("float32"), np.array([1, 4])
    found = products_of(model, x, y)
    gated, step = score_gated_model(model), 0.05
    for block, head, key in ((0, 2, 3), (1, 1, 5)):
        logits = []
        for sign in (1, -1):
            gates = [np.ones((2, *each.shape[1:]), "float32") for each in gated.inputs[1:]]
            gates[block][:, head, :, key] += sign * step
            out = gated.predict_on_batch([x, *gates])
            logits.append(out[np.arange(2), y])
        slopes = (logits[0] - logits[1]) / (2 * step)
        expected = found[block][:, head, :, key].sum(axis=1)
        np.testing.assert_allclose(expected, slopes, rtol=0.02, atol=1e-3)
        assert abs(slopes).max() > 0.01, "the comparison must not be empty"


@once
@pytest.mark.parametrize("kind", ["sequence", "class token"])
def test_relevance_equals_the_published_rules(kind):
    changes = {"family": "vit", "kernel_size": 4} if kind == "class token" else {}
    model = scattered_model(0.4, **changes)
    x, _ = labelled(model, 3)
    y, tokens = np.array([3, 0, 2]), model.config.tokens
    names = ["attention00", "attention01"] + ["pooling_weights"] * (kind == "sequence")
    features = feature_extractor(model, names).predict(x, verbose=0)
    products = products_of(model, x, y)
    expected = np.zeros((3, tokens))
    for image in range(3):
        relevance = np.eye(tokens)
        for name, product in zip(names, products, strict=False):
            scores = features[name][image]
            gradients = product[image] / scores
            mean = sum(np.clip(g * a, 0, None) for g, a in zip(gradients, scores, strict=True)) / 3
            relevance = relevance + mean @ relevance
        weights = np.eye(tokens)[0]
        if kind == "sequence":
            weights = features["pooling_weights"][image].ravel()
        expected[image] = weights @ relevance
    found = class_relevance(model, x, y, batch_size=2)
    assert found.shape == (3, 3, 4)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found.reshape(3, 12), expected[:, tokens - 12 :], rtol=1e-3)
    other = class_relevance(model, x, (y + 1) % 5)
    assert abs(other - found).max() > 1e-3, "the relevance must depend on the class"
    predicted = evaluation.predict(model, x).argmax(axis=1)
    np.testing.assert_allclose(
        class_relevance(model, x), class_relevance(model, x, predicted), rtol=1e-4
    )


@once
def test_deleting_relevant_tokens_hurts_more_than_random_ones():
    """20 % of the tokens of digits: the pixels of 3 of 16 patches are set to 0."""
    model = models.cct_2_3x2_32(weights="digits")
    x, _ = data.load("digits").draw("test", 100)
    predicted = evaluation.predict(model, x).argmax(axis=1)

    def kept(scores):
        deleted = x.copy()
        for image, each in zip(deleted, scores.reshape(100, 16), strict=True):
            for token in np.argsort(-each)[:3]:
                row, column = 4 * (token // 4), 4 * (token % 4)
                image[row : row + 4, column : column + 4] = 0
        return (evaluation.predict(model, deleted).argmax(axis=1) == predicted).mean()

    relevance = class_relevance(model, x, batch_size=25)
    rng = np.random.default_rng(0)
    at_random = np.mean([kept(rng.random((100, 16))) for _ in range(3)])
    assert kept(relevance) < at_random - 0.2
    assert kept(-relevance) > at_random + 0.2


@once
def test_relevance_of_texts():
    words = [f"w{i}" for i in range(48)]
    model = scatter(text_model(vocabulary=words, length=LENGTH), 0.4)
    longer = text_model(vocabulary=words, length=29)
    longer.set_weights(model.get_weights())
    texts = ["w3 w5 w7 w9", "w1", "w40 w2 w2 w8 w20 w30 w31 w32"]
    ids = model.vocabulary(texts)
    y = np.array([1, 2, 0])
    found = class_relevance(model, ids, y)
    mask = feature_extractor(model, ["mask"]).predict(ids, verbose=0)["mask"]
    assert not found[~mask].any()
    assert found[mask].min() > 0
    more = class_relevance(longer, longer.vocabulary(texts), y)
    np.testing.assert_allclose(more[:, : found.shape[1]], found, rtol=1e-3)
    by_word = word_relevance(model, texts, y)
    assert [[word for word, _ in each] for each in by_word] == [text.split() for text in texts]
    for each in by_word:
        assert sum(share for _, share in each) == pytest.approx(1)
    with pytest.raises(ValueError, match="an image model"):
        word_relevance(scattered_model(), texts)


@once
def test_wrong_arguments():
    model = scattered_model()
    x, _ = labelled(model, 3)
    for labels in ([0, 1], [0, 1, 5], [0.0, 1.0, 2.0], [-1, 0, 0]):
        with pytest.raises(ValueError, match=r"`labels` must be one integer .*classes=5"):
            class_relevance(model, x, np.array(labels))
    with pytest.raises(ValueError, match="include_top=False"):
        class_relevance(scattered_model(include_top=False), x)
    with pytest.raises(ValueError, match="Received: samples of shape"):
        class_relevance(text_model(), padded([[3]], 5), np.array([0]))
