"""Rollout, distance and entropy, compared with loops over the attention scores."""

import numpy as np
import pytest

from cctzoo.analysis import attention_distance, attention_entropy, attention_rollout
from cctzoo.models import feature_extractor
from tests.analysis.trained import labelled, scattered_model

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
