"""Features with planted labels: these labels are found, and no others."""

import numpy as np
import pytest

from cctzoo.analysis import PooledFeatures, ProbeOptions, measure, unit_clusters
from cctzoo.analysis.recognition.performance import unit_fields
from cctzoo.analysis.recognition.probe import Probe

pytestmark = pytest.mark.one_backend("jax")  # only NumPy


def planted(
    knows, noise, classes=6, images=60, strength=3.0, shuffled=False, seed=0, least_evidence=None
):
    """Features of U heads of width C: channel j of head u marks the label j that it knows.

    Each image also has a little random noise. `noise` holds (unit, i, j): channel j of the
    unit also marks images of label i.
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
    options = ProbeOptions(pooling="mean", least_evidence=least_evidence)
    return PooledFeatures({key: z}, {key: z_test}, {key: None}, y, y_test, classes, options)


KNOWS = [(0, 3), (1,), (2, 4, 5), (), (0, 1, 2)]
# Head 3 knows no label: it only marks images of label 1 as 2.
NOISE = [(1, 4, 1), (2, 0, 5), (2, 1, 3), (3, 1, 2)]


def fields_of_channels(features, diagonal=1.0):
    """Returns the fields of a probe in which channel j of every head votes for label j."""
    (z,) = features.test.values()
    kernel = np.tile(diagonal * np.eye(z.shape[2], dtype="float32"), (z.shape[1], 1))
    return unit_fields(Probe(kernel, np.zeros(z.shape[2])), z, features.y_test)


def test_planted_clusters_and_noise_are_found():
    fields, evidence = fields_of_channels(planted(KNOWS, NOISE))
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


def test_planted_cluster_of_several_labels_is_one_cluster():
    """A head that marks images of labels 1 and 4 with both labels."""
    fields, _ = fields_of_channels(planted([(1, 4, 5)], [(0, 1, 4), (0, 4, 1)]))
    assert unit_clusters(fields)[0].clusters == ((1, 4), (5,))


def test_trained_probe_finds_the_planted_labels():
    """Each head knows other labels; the weights of the probe are trained, not set by hand."""
    knows = [(0, 3), (1,), (2, 5), (4,)]
    found = measure(planted(knows, [], least_evidence=4), "head")[0]
    assert found.accuracy == 1
    assert [unit.labels for unit in found.units] == knows
    assert found.units_per_label.tolist() == [1] * 6
    assert found.labels_per_unit.tolist() == [2, 1, 2, 1]


@pytest.mark.parametrize("seed", range(2))
def test_trained_probe_finds_clusters_of_several_labels(seed):
    """Head 0 separates pairs, head 1 odd from even labels, head 2 nothing; 0 and 1 are needed."""
    clusters = [((0, 1), (2, 3), (4, 5)), ((0, 2, 4), (1, 3, 5)), ()]
    knows = [tuple(first for first, *_ in unit) for unit in clusters]
    # A head marks all labels of a cluster as the first label of the cluster.
    same = [
        (head, label, first)
        for head, unit in enumerate(clusters)
        for first, *rest in unit
        for label in rest
    ]
    found = measure(planted(knows, same, seed=seed, least_evidence=4), "head")[0]
    assert found.accuracy == 1
    assert [unit.clusters for unit in found.units] == clusters
    assert [unit.noise for unit in found.units[:2]] == [0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_labels_give_no_cluster(seed):
    shuffled = planted(KNOWS, [], shuffled=True, seed=seed)
    published = measure(shuffled, "head")
    found = published.with_threshold(0.3, least_evidence=4)[0]
    assert found.accuracy < 0.35
    assert not any(unit.clusters for unit in found.units)
    assert found.signal_to_noise is None
    # The published measure only compares a unit with its own largest field.
    assert any(unit.clusters for unit in published[0].units)


def test_evidence_counts_standard_errors():
    features = planted([(0, 1), ()], [], strength=0.2)
    _, evidence = fields_of_channels(features)
    (z,) = features.test.values()
    own, others = (z[features.y_test == 0, 0, 0], z[features.y_test != 0, 0, 0])
    error = z[:, 0, 0].std() * np.sqrt(1 / len(own) + 1 / len(others))
    assert evidence[0, 0] == pytest.approx((own.mean() - others.mean()) / error, rel=1e-3)
    assert abs(evidence[1]).max() < 4
