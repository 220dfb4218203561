"""feature_extractor: names, shapes, and the values against the weights of the layers."""

import re

import numpy as np
import pytest

from cctzoo.models import feature_extractor, feature_names
from tests.models.small import images, predict, small_model

SHAPES = {
    "preprocessing": (3, 12, 16, 3),
    "tokenizer": (3, 3, 4, 24),
    "tokens": (3, 3, 4, 24),
    "position": (3, 3, 4, 24),
    "dropout": (3, 3, 4, 24),
    "attention00": (3, 3, 12, 12),
    "heads00": (3, 12, 3, 8),
    "mlp00": (3, 12, 48),
    "block00": (3, 3, 4, 24),
    "attention01": (3, 3, 12, 12),
    "heads01": (3, 12, 3, 8),
    "mlp01": (3, 12, 48),
    "block01": (3, 3, 4, 24),
    "norm": (3, 3, 4, 24),
    "pooling_weights": (3, 3, 4),
    "pooling": (3, 24),
    "classifier": (3, 5),
}


@pytest.fixture(scope="module")
def model():
    model = small_model()
    rng = np.random.default_rng(0)
    model.set_weights([rng.standard_normal(w.shape) * 0.3 for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def features(model):
    return predict(feature_extractor(model, list(SHAPES)), images(model))


def test_names_and_shapes(model, features):
    assert feature_names(model) == list(SHAPES)
    assert {name: value.shape for name, value in features.items()} == SHAPES


def test_classifier_feature_is_the_output(model, features):
    np.testing.assert_allclose(features["classifier"], predict(model, images(model)), atol=1e-5)


def test_pooling_is_the_weighted_mean(features):
    weights, norm = features["pooling_weights"], features["norm"]
    np.testing.assert_allclose(weights.sum((1, 2)), 1, rtol=1e-5)
    pooled = np.einsum("bhw,bhwd->bd", weights, norm)
    np.testing.assert_allclose(pooled, features["pooling"], rtol=1e-4, atol=1e-4)


def test_rows_of_attention_sum_to_1(features):
    np.testing.assert_allclose(features["attention01"].sum(-1), 1, rtol=1e-5)


def test_projected_heads_equal_the_attention_output(model, features):
    block = model.get_layer("block01")
    attention = block.attention
    heads = features["heads01"].reshape(3, 12, 24)
    projected = (
        heads @ attention.projection.get_weights()[0] + attention.projection.get_weights()[1]
    )
    x = features["block00"].reshape(3, 12, 24)
    expected = predict(lambda x, training: attention(block.attention_norm(x)), x)
    np.testing.assert_allclose(projected, expected, rtol=1e-4, atol=1e-4)
    value = np.einsum("bnqk,bknh->bqnh", features["attention01"], values(block, x))
    np.testing.assert_allclose(value, features["heads01"], rtol=1e-4, atol=1e-4)


def test_mlp_feature(model, features):
    block = model.get_layer("block01")
    kernel, bias = block.contract.get_weights()
    silent = [np.zeros_like(kernel), bias]
    contracted = features["mlp01"].reshape(3, 12, 48) @ kernel
    block.contract.set_weights(silent)
    without = predict(feature_extractor(model, ["block01"]), images(model))["block01"]
    block.contract.set_weights([kernel, bias])
    difference = features["block01"] - without
    np.testing.assert_allclose(difference.reshape(3, 12, 24), contracted, atol=1e-4)


def values(block, x):
    """(B, T, D) -> (B, T, N, H): the last third of the fused product."""
    normed = predict(lambda x, training: block.attention_norm(x), x)
    return (normed @ block.attention.qkv.get_weights()[0][:, 48:]).reshape(3, 12, 3, 8)


def test_weights_are_shared(model):
    extractor = feature_extractor(model, ["block00"])
    x = images(model)
    before = predict(extractor, x)["block00"]
    bias = model.get_layer("block00").contract.bias
    bias.assign_add(np.ones(bias.shape))
    after = predict(extractor, x)["block00"]
    bias.assign_add(-np.ones(bias.shape))
    np.testing.assert_allclose(after, before + 1, atol=1e-5)


def test_class_token_and_prefix():
    model = small_model(family="vit", kernel_size=4)
    shapes = {"tokens": (3, 3, 4, 24), "block00": (3, 13, 24), "attention01": (3, 3, 13, 13)}
    features = predict(feature_extractor(model, list(shapes)), images(model))
    assert {name: value.shape for name, value in features.items()} == shapes
    assert "pooling_weights" not in feature_names(model)

    model = small_model(depth=3, conv_prefix=2, prefix_pool=(1,))
    names = ["tokenizer", "prefix", "block02", "heads02"]
    assert set(names) <= set(feature_names(model))
    features = predict(feature_extractor(model, names), images(model))
    shapes = [(3, 3, 4, 64), (3, 1, 2, 24), (3, 1, 2, 24), (3, 2, 3, 8)]
    assert [features[name].shape for name in names] == shapes


@pytest.mark.parametrize(
    ("features", "received"),
    [
        (["attention03"], "'attention03' in features=['attention03']"),
        (["tokens", "prefix"], "'prefix' in features=['tokens', 'prefix']"),
        ("tokens", "features='tokens'"),
        ([], "features=[]"),
    ],
)
def test_errors(model, features, received):
    with pytest.raises(ValueError, match=re.escape(f"Received: {received}") + "$"):
        feature_extractor(model, features)


def test_error_suggests_names(model):
    with pytest.raises(ValueError, match=r"Did you mean: .*attention00"):
        feature_extractor(model, ["attention0"])
