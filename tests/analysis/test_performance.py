"""Fields of heads and nodes: they add up, and planted structure is found as it is."""

import re

import keras
import numpy as np
import pytest
from keras import layers

from cctzoo.analysis import (
    PooledFeatures,
    measure,
    pool_features,
    single_head_performance,
    single_nodal_performance,
)
from cctzoo.layers import SequencePooling
from cctzoo.models import feature_extractor
from tests.analysis.trained import labelled, scattered_model
from tests.models.small import CLASSES, small_model

once = pytest.mark.skipif(keras.backend.backend() != "torch", reason="NumPy alone")


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
    """The same probe of Keras' and our layers: heads (T, N, H) and gates (N,) -> logits."""
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


def test_fields_are_those_of_the_heads_alone_and_add_up(model, parts, heads):
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
            alone = class_means(logits(np.eye(3)[head]), y)
            np.testing.assert_allclose(heads[block].fields[head], alone, atol=1e-4)
        assert heads[block].accuracy == pytest.approx((whole.argmax(1) == y).mean())


@pytest.mark.parametrize("nodes", ["attention", "mlp", "stream"])
def test_nodes_add_up_too(model, parts, heads, nodes):
    if nodes != "mlp" and keras.backend.backend() != "torch":
        pytest.skip("NumPy alone beyond the features")
    found = single_nodal_performance(model, *parts, 1, nodes)
    units = {"attention": 24, "mlp": 48, "stream": 24}[nodes]
    assert found.unit == f"{nodes}_node"
    assert found[1].fields.shape == (units, CLASSES, CLASSES)
    if nodes == "attention":  # the channels of a head make up the head
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
def test_all_blocks_in_one_call_are_those_of_single_calls(model, parts, heads):
    alone = single_head_performance(model, *parts, 1)
    assert [block.block for block in alone.blocks] == [1]
    np.testing.assert_allclose(alone[1].fields, heads[1].fields, atol=1e-4)
    with pytest.raises(KeyError, match=r"must be one of 1\. Received: 0"):
        alone[0]


@once
@pytest.mark.parametrize("pooling", ["model", "mean"])
def test_other_pooling(model, parts, pooling):
    found = single_head_performance(model, *parts, 1, pooling=pooling)
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
def test_recomputed_pooling_and_bias(model, parts, heads):
    found = single_head_performance(model, *parts, 1, recompute_pooling=True, bias=True)
    x, y = parts[1]
    z = feature_extractor(model, ["heads01"]).predict(x, verbose=0)["heads01"]
    probe = found[1].probe
    assert probe.bias.any()
    for head in range(3):
        alone = np.zeros_like(z)
        alone[:, :, head] = z[:, :, head]
        flat = alone.reshape(25, 12, 24)
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
def test_every_kind_of_model(changes):
    model = small_model(**changes)
    parts = labelled(model, 20), labelled(model, 15, seed=1)
    features = pool_features(model, *parts, units=("head", "attention_node", "mlp_node"))
    blocks = range(model.config.conv_prefix, model.config.depth)
    for unit in ("head", "attention_node", "mlp_node"):
        found = measure(features, unit)
        assert [block.block for block in found.blocks] == [*blocks]
        assert all(np.isfinite(block.fields).all() for block in found.blocks)


def planted(knows, noise, classes=6, images=60, strength=3.0, shuffled=False, seed=0):
    """Features of U heads of width C: head u says j for images of the labels it knows.

    Each image has a little noise of its own; `noise` holds (unit, i, j): unit u also says j
    for the images of label i.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(2):
        y = np.arange(images * classes) % classes
        z = 0.1 * rng.standard_normal((len(y), len(knows), classes)).astype("float32")
        for unit, labels in enumerate(knows):
            for label in labels:
                z[y == label, unit, label] += strength
        for unit, i, j in noise:
            z[y == i, unit, j] += strength
        parts += [z, rng.permutation(y) if shuffled else y]
    z, y, z_test, y_test = parts
    key = ("head", 0)
    return PooledFeatures({key: z}, {key: z_test}, {key: None}, y, y_test, classes, "mean", False)


KNOWS = [(0, 3), (1,), (2, 4, 5), (), (0, 1, 2)]
# Head 3 knows nothing: it answers 2 for images of 1, and is right in nothing.
NOISE = [(1, 4, 1), (2, 0, 5), (2, 1, 3), (3, 1, 2)]


def readable(features, diagonal=1.0):
    """The probe that takes each head at its word: channel j of every head votes for j."""
    from cctzoo.analysis.performance import unit_fields
    from cctzoo.analysis.probe import Probe

    (z,) = features.test.values()
    kernel = np.tile(diagonal * np.eye(z.shape[2], dtype="float32"), (z.shape[1], 1))
    return unit_fields(Probe(kernel, np.zeros(z.shape[2])), z, features.y_test)


@once
def test_planted_clusters_and_noise_are_found():
    from cctzoo.analysis import unit_clusters

    fields, evidence = readable(planted(KNOWS, NOISE))
    for least in (None, 4):
        units = unit_clusters(fields, 0.3, evidence, least)
        assert [unit.clusters for unit in units] == [
            ((0,), (3,)),
            ((1,),),
            ((2,), (4,), (5,)),
            (),
            ((0,), (1,), (2,)),
        ]
        assert [unit.noise for unit in units] == [0, 1, 2, 1, 0]
        assert [unit.internal_noise for unit in units] == [0, 1, 1, 0, 0]


@once
def test_a_planted_cluster_of_several_labels_is_one():
    """A head that says both 1 and 4 for images of either."""
    from cctzoo.analysis import unit_clusters

    fields, _ = readable(planted([(1, 4, 5)], [(0, 1, 4), (0, 4, 1)]))
    assert unit_clusters(fields)[0].clusters == ((1, 4), (5,))


@once
def test_the_trained_probe_finds_who_knows_what():
    """Heads of their own labels each; what the probe makes of them is not set by hand."""
    knows = [(0, 3), (1,), (2, 5), (4,)]
    found = measure(planted(knows, []), "head", least_evidence=4)[0]
    assert found.accuracy == 1
    assert [unit.labels for unit in found.units] == knows
    assert found.units_per_label.tolist() == [1] * 6
    assert found.labels_per_unit.tolist() == [2, 1, 2, 1]


@once
@pytest.mark.parametrize("seed", range(3))
def test_shuffled_labels_give_none(seed):
    shuffled = planted(KNOWS, [], shuffled=True, seed=seed)
    found = measure(shuffled, "head", least_evidence=4)[0]
    assert found.accuracy < 0.35
    assert not any(unit.clusters for unit in found.units)
    assert found.signal_to_noise is None
    # The published measure compares a unit with its own largest field only.
    assert any(unit.clusters for unit in measure(shuffled, "head")[0].units)


@once
def test_evidence_is_the_difference_in_standard_errors():
    features = planted([(0, 1), ()], [], strength=0.2)
    _, evidence = readable(features)
    (z,) = features.test.values()
    own, others = (z[features.y_test == 0, 0, 0], z[features.y_test != 0, 0, 0])
    error = z[:, 0, 0].std() * np.sqrt(1 / len(own) + 1 / len(others))
    assert evidence[0, 0] == pytest.approx((own.mean() - others.mean()) / error, rel=1e-3)
    assert abs(evidence[1]).max() < 4


@once
def test_signal_to_noise_by_hand():
    from cctzoo.analysis import BlockPerformance

    fields = np.array([[[2.0, 0.4], [0.2, 0.1]], [[0.3, -0.3], [0.6, 1.0]], [[-1.0, -1], [-1, -1]]])
    block = BlockPerformance(0, None, fields, np.zeros((3, 2)), 1.0, 1.0, 0.3, None)
    # Label 0: unit 0, 1 / rms(0.2, 0.1). Label 1: unit 1, 1 / rms(-0.3, 0.6).
    expected = np.mean([1 / np.sqrt(0.025), 1 / np.sqrt(0.225)])
    assert block.signal_to_noise == pytest.approx(expected)
    assert block.units_per_label.tolist() == [1, 1]
    figures = block.figures()
    assert figures["flagged_units"] == [2]
    assert figures["averages"]["units"] == 2, "a flagged unit is in no average"
    assert figures["averages"]["noise"] == 0.5


@once
def test_averages_in_both_conventions():
    from cctzoo.analysis import BlockPerformance

    empty = [[0.0, 1.0], [0, 0]]
    fields = np.array([np.eye(2), np.ones((2, 2)), empty])
    block = BlockPerformance(0, None, fields, np.zeros((3, 2)), 1.0, 1.0, 0.3, None)
    expected = {
        "units": 3,
        "clusters": 1,
        "unit_clusters": 2 / 3,
        "cluster_size": 4 / 3,
        "labels": 4 / 3,
        "noise": 1 / 3,
        "internal_noise": 0,
    }
    assert block.averages() == pytest.approx(expected)
    with_clusters = block.averages(with_empty=False)
    assert with_clusters["clusters"] == 1.5
    assert with_clusters["noise"] == 0
    assert with_clusters["cluster_size"] == pytest.approx(4 / 3)


def test_saved_and_loaded(heads, tmp_path):
    from cctzoo.analysis import Performance

    heads.save(tmp_path / "heads.npz")
    loaded = Performance.load(tmp_path / "heads.npz")
    assert loaded.figures() == heads.figures()
    for mine, other in zip(heads.blocks, loaded.blocks, strict=True):
        np.testing.assert_array_equal(mine.fields, other.fields)
        np.testing.assert_array_equal(mine.probe.score, other.probe.score)
    again = loaded.with_threshold(0.9, 2)
    assert again.options["threshold"] == 0.9
    assert sum(again[0].labels_per_unit) <= sum(heads[0].labels_per_unit)

    heads.save(tmp_path / "heads.json")
    import json

    text = (tmp_path / "heads.json").read_text()
    assert json.loads(text) == json.loads(json.dumps(heads.figures()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heads.json", "heads.npz"]
    with pytest.raises(ValueError, match=r"Received: path='.*\.txt'"):
        heads.save(tmp_path / "heads.txt")
    np.savez(tmp_path / "other.npz", head=np.array([{}], object))
    with pytest.raises(ValueError, match=r"Received: path='.*other\.npz'"):
        Performance.load(tmp_path / "other.npz")


WRONG = [  # (changes of the arguments, what is received)
    ({"blocks": 2}, "blocks=2"),
    ({"blocks": [0, 7]}, "blocks=[0, 7]"),
    ({"units": ("filter",)}, "units=('filter',)"),
    ({"units": "head"}, "units='head'"),
    ({"pooling": "max"}, "pooling='max'"),
    ({"pooling": "mean", "recompute_pooling": True}, "pooling='mean'"),
    ({"pooling_images": 0}, "pooling_images=0"),
]


@once
@pytest.mark.parametrize(("changes", "received"), WRONG)
def test_wrong_options(model, parts, changes, received):
    with pytest.raises(ValueError, match=f"Received: .*{re.escape(received)}$"):
        pool_features(model, *parts, **changes)


@once
def test_wrong_data(model, parts):
    x, y = parts[0]
    for labels, received in (
        (y + 1, "labels from 1 to 5, classes=5"),
        (y - 1, "labels from -1 to 3, classes=5"),
        (y[:-1], "40 images, labels of shape (39,)"),
        (y.astype(float), "dtype float64"),
        (np.minimum(y, 2), "none of 3, 4"),
    ):
        for place in ("train", "test"):
            given = {**dict(zip(("train", "test"), parts, strict=True)), place: (x, labels)}
            with pytest.raises(ValueError, match=re.escape(received)) as error:
                pool_features(model, **given)
            assert f"`{place}`" in str(error.value)
    with pytest.raises(ValueError, match=r"one `CCT`.* Received: Functional"):
        pool_features(feature_extractor(model, ["norm"]), *parts)
    with pytest.raises(ValueError, match=r"sequence pooling.* Received: pooling='model', 'small'"):
        pool_features(small_model(pooling="avg"), *parts, pooling="model")
    with pytest.raises(ValueError, match="Received: nodes='head'"):
        single_nodal_performance(model, *parts, nodes="head")
