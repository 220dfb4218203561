"""Fields of heads and nodes equal those of a probe with the other units silenced."""

import re

import keras
import numpy as np
import pytest
from keras import layers

from cctzoo.analysis import (
    ProbeOptions,
    measure,
    pool_features,
    single_head_performance,
    single_nodal_performance,
)
from cctzoo.layers import SequencePooling
from cctzoo.models import feature_extractor
from tests.analysis.trained import labelled, scattered_model
from tests.models.small import CLASSES, small_model

once = pytest.mark.one_backend("torch")  # only NumPy


@pytest.fixture(scope="module")
def model():
    return scattered_model()


@pytest.fixture(scope="module")
def parts(model):
    return labelled(model, 40), labelled(model, 25, seed=1)


@pytest.fixture(scope="module")
def heads(model, parts):
    return single_head_performance(model, *parts, batch_size=16)


def keras_probe(performance, block, heads, head_dim):
    """Builds the probe from Keras layers: heads (T, N, H) and gates (N,) -> logits."""
    probe = performance[block].probe
    inputs = keras.Input((None, heads, head_dim)), keras.Input((1, heads, 1))
    x = layers.Reshape((-1, heads * head_dim))(inputs[0] * inputs[1])
    weights_of = layers.Reshape((-1, heads * head_dim))(inputs[0])
    pooling = SequencePooling()
    _, weights = pooling(weights_of, return_weights=True)
    pooling.set_weights([probe.score[:, None], np.array([0.7], "float32")])
    pooled = keras.ops.squeeze(keras.ops.matmul(weights[:, None, :], x), 1)
    classifier = layers.Dense(CLASSES, use_bias=False)
    model = keras.Model(inputs, classifier(pooled))
    classifier.set_weights([probe.kernel])
    return model


def class_means(values, y):
    return np.stack([values[y == label].mean(axis=0) for label in range(CLASSES)])


def test_fields_equal_those_of_single_heads_and_add_up(model, parts, heads):
    x, y = parts[1]
    features = feature_extractor(model, ["heads00", "heads01"]).predict(x, verbose=0)
    for block in (0, 1):
        z = features[f"heads{block:02d}"]
        probe = keras_probe(heads, block, *z.shape[2:])

        def logits(gates, z=z, probe=probe):
            every = np.broadcast_to(np.reshape(gates, (1, 1, -1, 1)), (len(z), 1, len(gates), 1))
            return probe.predict([z, every.astype("float32")], verbose=0)

        whole = logits(np.ones(3))
        np.testing.assert_allclose(
            heads[block].fields.sum(axis=0), class_means(whole, y), atol=1e-4
        )
        for head in range(3):
            single = class_means(logits(np.eye(3)[head]), y)
            np.testing.assert_allclose(heads[block].fields[head], single, atol=1e-4)
        assert heads[block].accuracy == pytest.approx((whole.argmax(1) == y).mean())


@pytest.mark.parametrize(
    "nodes", ["mlp", *(pytest.param(nodes, marks=once) for nodes in ("attention", "stream"))]
)
def test_fields_of_nodes_add_up(model, parts, heads, nodes):
    found = single_nodal_performance(model, *parts, 1, nodes)
    units = {"attention": 24, "mlp": 48, "stream": 24}[nodes]
    assert found.unit == f"{nodes}_node"
    assert found[1].fields.shape == (units, CLASSES, CLASSES)
    if nodes == "attention":  # the channels of a head add up to the head
        merged = found[1].fields.reshape(3, 8, CLASSES, CLASSES).sum(axis=1)
        np.testing.assert_allclose(merged, heads[1].fields, atol=1e-4)
        return
    feature = {"mlp": "mlp01", "stream": "block01"}[nodes]
    z = feature_extractor(model, [feature]).predict(parts[1][0], verbose=0)[feature]
    z = z.reshape(25, -1, units)
    scores = np.exp(z @ found[1].probe.score)
    pooled = np.einsum("bt,btc->bc", scores / scores.sum(1, keepdims=True), z)
    expected = class_means(found[1].probe(pooled), parts[1][1])
    np.testing.assert_allclose(found[1].fields.sum(axis=0), expected, atol=1e-4)


@once
def test_all_blocks_in_one_call_equal_single_calls(model, parts, heads):
    single = single_head_performance(model, *parts, 1)
    assert [block.block for block in single.blocks] == [1]
    np.testing.assert_allclose(single[1].fields, heads[1].fields, atol=1e-4)
    with pytest.raises(KeyError, match=r"must be one of 1\. Received: block=0"):
        single[0]


@once
@pytest.mark.parametrize("pooling", ["model", "mean"])
def test_untrained_pooling(model, parts, pooling):
    found = single_head_performance(model, *parts, 1, ProbeOptions(pooling=pooling))
    x, y = parts[1]
    features = feature_extractor(model, ["heads01", "pooling_weights"]).predict(x, verbose=0)
    weights = features["pooling_weights"].reshape(25, 12)
    if pooling == "mean":
        weights = np.full((25, 12), 1 / 12)
    pooled = np.einsum("bt,btnh->bnh", weights, features["heads01"]).reshape(25, 24)
    assert found[1].probe.score is None
    expected = class_means(pooled @ found[1].probe.kernel, y)
    np.testing.assert_allclose(found[1].fields.sum(axis=0), expected, atol=1e-4)


@once
def test_recompute_pooling_with_bias(model, parts, heads):
    options = ProbeOptions(recompute_pooling=True, bias=True)
    found = single_head_performance(model, *parts, 1, options)
    x, y = parts[1]
    z = feature_extractor(model, ["heads01"]).predict(x, verbose=0)["heads01"]
    probe = found[1].probe
    assert probe.bias.any()
    for head in range(3):
        single = np.zeros_like(z)
        single[:, :, head] = z[:, :, head]
        flat = single.reshape(25, 12, 24)
        scores = np.exp(flat @ probe.score)
        pooled = np.einsum("bt,btc->bc", scores / scores.sum(1, keepdims=True), flat)
        np.testing.assert_allclose(found[1].fields[head], class_means(probe(pooled), y), atol=1e-4)
    assert not np.allclose(found[1].fields, heads[1].fields, atol=1e-2)


@once
@pytest.mark.parametrize(
    "changes",
    [
        {"family": "vit", "kernel_size": 4},
        {"depth": 3, "conv_prefix": 1, "heads": (2, 5), "head_dim": (3, 4)},
        {"pooling": "max", "dtype": "mixed_bfloat16"},
        {"include_top": False},
        {"norm": "pre", "include_preprocessing": False},
    ],
)
def test_fields_of_every_kind_of_model(changes):
    model = small_model(**changes)
    parts = labelled(model, 20), labelled(model, 15, seed=1)
    features = pool_features(model, *parts, units=("head", "attention_node", "mlp_node"))
    blocks = range(model.config.conv_prefix, model.config.depth)
    for unit in ("head", "attention_node", "mlp_node"):
        found = measure(features, unit)
        assert [block.block for block in found.blocks] == [*blocks]
        assert all(np.isfinite(block.fields).all() for block in found.blocks)


INVALID_ARGUMENTS = [  # (changes of the arguments, received value)
    ({"blocks": 2}, "blocks=2"),
    ({"blocks": [0, 7]}, "blocks=[0, 7]"),
    ({"units": ("filter",)}, "units=('filter',)"),
    ({"units": "head"}, "units='head'"),
]
INVALID_OPTIONS = [
    ({"pooling": "max"}, "pooling='max'"),
    ({"pooling": "mean", "recompute_pooling": True}, "pooling='mean'"),
    ({"pooling_samples": 0}, "pooling_samples=0"),
    ({"threshold": 1}, "threshold=1"),
]


@once
@pytest.mark.parametrize(("changes", "received"), INVALID_ARGUMENTS)
def test_invalid_arguments(model, parts, changes, received):
    with pytest.raises(ValueError, match=f"Received: .*{re.escape(received)}$"):
        pool_features(model, *parts, **changes)


@once
@pytest.mark.parametrize(("changes", "received"), INVALID_OPTIONS)
def test_invalid_options(changes, received):
    with pytest.raises(ValueError, match=f"Received: .*{re.escape(received)}$"):
        ProbeOptions(**changes)


@once
def test_invalid_data(model, parts):
    x, y = parts[0]
    for labels, received in (
        (y + 1, "labels from 1 to 5, classes=5"),
        (y - 1, "labels from -1 to 3, classes=5"),
        (y[:-1], "40 samples, labels of shape (39,)"),
        (y.astype(float), "dtype float64"),
        (np.minimum(y, 2), "no sample of 3, 4"),
    ):
        for place in ("train", "test"):
            given = {**dict(zip(("train", "test"), parts, strict=True)), place: (x, labels)}
            with pytest.raises(ValueError, match=re.escape(received)) as error:
                pool_features(model, **given)
            assert f"`{place}`" in str(error.value)
    with pytest.raises(ValueError, match=r"`model` must be a CCT. Received: model=<Functional"):
        pool_features(feature_extractor(model, ["norm"]), *parts)
    with pytest.raises(ValueError, match=r"sequence pooling.* Received: pooling='model', 'small'"):
        pool_features(small_model(pooling="avg"), *parts, options=ProbeOptions(pooling="model"))
    with pytest.raises(ValueError, match="Received: nodes='head'"):
        single_nodal_performance(model, *parts, nodes="head")
