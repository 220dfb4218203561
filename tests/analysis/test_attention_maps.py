"""Maps, rollout, distance and entropy, compared with loops over the attention scores."""

import numpy as np
import pytest

from cctzoo.analysis import (
    attention_distance,
    attention_entropy,
    attention_maps,
    attention_rollout,
)
from cctzoo.models import feature_extractor
from tests.analysis.trained import labelled, scatter, scattered_model
from tests.models.text_models import LENGTH, padded, text_model

pytestmark = pytest.mark.one_backend("torch")  # only NumPy, except for the features

KINDS = {
    "cct": ({}, ["pooling_weights"]),
    "class token": ({"family": "vit", "kernel_size": 4}, []),
    "mean": ({"pooling": "avg", "depth": 3, "conv_prefix": 1, "prefix_pool": ()}, []),
}


@pytest.mark.parametrize("kind", KINDS)
def test_attention_maps_equal_loops(kind):
    changes, extras = KINDS[kind]
    model = scattered_model(0.5, **changes)
    x, _ = labelled(model, 3)
    blocks = [model.config.conv_prefix, model.config.conv_prefix + 1]
    names = [f"attention{block:02d}" for block in blocks]
    found = feature_extractor(model, names + extras).predict(x, verbose=0)
    tokens, extra = model.config.tokens, model.config.tokens - 12

    expected = np.zeros((3, 12))
    for image in range(3):
        product = np.eye(tokens)
        for name in names:
            product = (found[name][image].mean(axis=0) + np.eye(tokens)) / 2 @ product
        start = np.full(tokens, 1 / tokens)
        if kind == "cct":
            start = found["pooling_weights"][image].ravel()
        elif kind == "class token":
            start = np.eye(tokens)[0]
        row = (start @ product)[extra:]
        expected[image] = row / row.sum()
    maps = attention_rollout(model, x, batch_size=2)
    assert maps.shape == (3, 3, 4)
    np.testing.assert_allclose(maps.reshape(3, 12), expected, rtol=1e-4)
    assert maps.std(axis=(1, 2)).min() > 1e-4

    distance, entropy = attention_distance(model, x), attention_entropy(model, x)
    for block, name in zip(blocks, names, strict=True):
        scores = found[name]
        patches = scores[:, :, extra:, extra:]
        patches = patches / patches.sum(axis=-1, keepdims=True)
        far = np.zeros(3)
        for query in range(12):
            for key in range(12):
                length = np.hypot(query // 4 - key // 4, query % 4 - key % 4)
                far += patches[:, :, query, key].mean(axis=0) * length / 12
        np.testing.assert_allclose(distance["distance"][block], far, rtol=1e-3)
        expected = -(scores * np.log(scores)).sum(-1).mean(axis=(0, 2))
        np.testing.assert_allclose(entropy["entropy"][block], expected, rtol=1e-3)
        assert entropy["entropy"][block].max() <= np.log(tokens) + 1e-5


def test_maps_of_each_head_equal_loops():
    """Blocks with different numbers of heads; the last batch is not full."""
    model = scattered_model(0.5, depth=3, conv_prefix=1, heads=(3, 4), head_dim=5)
    x, _ = labelled(model, 3)
    found = feature_extractor(model, ["attention01", "attention02", "pooling_weights"])
    found = found.predict(x, verbose=0)
    maps = attention_maps(model, x, batch_size=2)
    assert {block: each.shape for block, each in maps.items()} == {
        1: (3, 3, 3, 4),
        2: (3, 4, 3, 4),
    }
    for block, each in maps.items():
        for image, weights in enumerate(found["pooling_weights"]):
            expected = np.zeros((len(each[image]), 12))
            for query, weight in enumerate(weights.ravel()):
                expected += weight * found[f"attention{block:02d}"][image, :, query]
            np.testing.assert_allclose(each[image].reshape(-1, 12), expected, rtol=1e-4)
        assert each.std(axis=(2, 3)).min() > 1e-4
    assert list(attention_maps(model, x, 2)) == [2]


def test_maps_of_a_class_token_are_its_attention():
    model = scattered_model(0.5, family="vit", kernel_size=4)
    x, _ = labelled(model, 2)
    scores = feature_extractor(model, ["attention00"]).predict(x, verbose=0)["attention00"]
    expected = scores[:, :, 0, 1:] / scores[:, :, 0, 1:].sum(axis=-1, keepdims=True)
    found = attention_maps(model, x, [0])[0]
    np.testing.assert_allclose(found.reshape(2, 3, 12), expected, rtol=1e-4)


@pytest.mark.parametrize("family", ["text_cct", "text_vit"])
def test_maps_of_texts_are_zero_at_padding(family):
    model = scatter(text_model(family), 0.5)
    x = padded([[5, 6, 7, 8, 9, 10], [11], []], LENGTH)
    mask = feature_extractor(model, ["mask"]).predict(x, verbose=0)["mask"]
    mask = mask[:, model.config.has_class_token :]
    for maps in attention_maps(model, x).values():
        assert maps.shape == (3, 3, model.config.grid[0])
        np.testing.assert_allclose(maps.sum(axis=-1), 1, rtol=1e-5)
        assert not maps[:2].transpose(1, 0, 2)[:, ~mask[:2]].any()


def test_maps_refuse_wrong_arguments():
    model = scattered_model()
    x, _ = labelled(model, 2)
    for arguments, message in (
        ((model, x[:, :5]), "Received: samples of shape"),
        ((model, x[:0]), "at least one sample"),
        ((model, x, 7), "Received: blocks=7"),
        ((feature_extractor(model, ["norm"]), x), "`model` must be a CCT"),
    ):
        with pytest.raises(ValueError, match=message):
            attention_maps(*arguments)
    with pytest.raises(ValueError, match="batch_size=0"):
        attention_maps(model, x, batch_size=0)
