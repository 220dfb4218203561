"""The small graph of where each head looks, against NumPy and against the analysis."""

import numpy as np
import pytest

from cctzoo import analysis
from cctzoo.models import feature_extractor
from cctzoo.models.head_maps import block_heads, head_maps
from tests.models.small import images, predict, small_model
from tests.models.text_models import padded, text_model

pytestmark = pytest.mark.one_backend("torch")
MODELS = {
    "different heads": {"heads": (3, 4, 2), "head_dim": 5, "depth": 4, "conv_prefix": 1},
    "polynomial": {"attention": ("polynomial", "softmax")},
    "class token": {"family": "vit", "kernel_size": 4},
    "average": {"pooling": "avg"},
}


@pytest.mark.parametrize("changes", MODELS.values(), ids=MODELS)
def test_maps_of_images_are_those_of_the_scores(changes):
    model = small_model(**changes)
    x = images(model, 2)
    blocks = block_heads(model)
    names = [f"attention{name.removeprefix('block')}" for name in blocks]
    pooled = model.config.token_pooling == "sequence"
    found = predict(feature_extractor(model, [*names, *(["pooling_weights"] if pooled else [])]), x)
    tokens = model.config.tokens
    weights = np.full((2, tokens), 1 / tokens)
    if pooled:
        weights = found["pooling_weights"].reshape(2, tokens)
    if model.config.has_class_token:
        weights = np.eye(1, tokens).repeat(2, axis=0)
    expected = [np.einsum("bnqk,bq->bnk", found[name], weights) for name in names]
    expected = np.concatenate(expected, axis=1)
    if model.config.has_class_token:
        expected = expected[:, :, 1:]
    expected /= expected.sum(-1, keepdims=True)
    maps = predict(head_maps(model), x)
    assert maps.shape == (2, 1 + sum(blocks.values()), np.prod(model.config.grid))
    np.testing.assert_allclose(maps[:, 1:], expected, rtol=1e-4, atol=1e-7)
    rollout = analysis.attention_rollout(model, x)
    np.testing.assert_allclose(maps[:, 0], rollout.reshape(2, -1), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("text_cct", {"conv_prefix": 1}),
        ("text_transformer", {"pooling": "avg"}),
    ],
)
def test_maps_of_texts_leave_out_padding(family, changes):
    model = text_model(family, **{"depth": 2, **changes})
    x = padded([[5, 6, 7, 8, 9, 10], [11], list(range(2, 24))], 22)
    maps = predict(head_maps(model), x)
    rollout = analysis.attention_rollout(model, x)
    np.testing.assert_allclose(maps[:, 0], rollout, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(maps.sum(-1), 1, rtol=1e-5)
    assert maps[1, :, 2:].max() < 1e-6  # one word, in at most two tokens


def test_models_without_blocks_of_their_own_have_no_maps():
    assert block_heads(small_model(heads=2)) == {"block00": 2, "block01": 2}
    assert block_heads(head_maps(small_model())) == {}
