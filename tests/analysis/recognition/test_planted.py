"""Features of heads that know given labels: these are found, and no others."""

import numpy as np
import pytest

from cctzoo.analysis import PooledFeatures, measure, unit_clusters
from cctzoo.analysis.recognition.performance import unit_fields
from cctzoo.analysis.recognition.probe import Probe

pytestmark = pytest.mark.one_backend("jax")  # NumPy alone


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
    (z,) = features.test.values()
    kernel = np.tile(diagonal * np.eye(z.shape[2], dtype="float32"), (z.shape[1], 1))
    return unit_fields(Probe(kernel, np.zeros(z.shape[2])), z, features.y_test)


def test_planted_clusters_and_noise_are_found():
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


def test_a_planted_cluster_of_several_labels_is_one():
    """A head that says both 1 and 4 for images of either."""
    fields, _ = readable(planted([(1, 4, 5)], [(0, 1, 4), (0, 4, 1)]))
    assert unit_clusters(fields)[0].clusters == ((1, 4), (5,))


def test_the_trained_probe_finds_who_knows_what():
    """Heads of their own labels each; what the probe makes of them is not set by hand."""
    knows = [(0, 3), (1,), (2, 5), (4,)]
    found = measure(planted(knows, []), "head", least_evidence=4)[0]
    assert found.accuracy == 1
    assert [unit.labels for unit in found.units] == knows
    assert found.units_per_label.tolist() == [1] * 6
    assert found.labels_per_unit.tolist() == [2, 1, 2, 1]


@pytest.mark.parametrize("seed", range(2))
def test_the_trained_probe_finds_clusters_of_several_labels(seed):
    """Head 0 tells pairs apart, head 1 odd from even, head 2 nothing: a label needs both."""
    clusters = [((0, 1), (2, 3), (4, 5)), ((0, 2, 4), (1, 3, 5)), ()]
    knows = [tuple(first for first, *_ in unit) for unit in clusters]
    # A head says the same for all labels of a cluster: that it is the first of them.
    same = [
        (head, label, first)
        for head, unit in enumerate(clusters)
        for first, *rest in unit
        for label in rest
    ]
    found = measure(planted(knows, same, seed=seed), "head", least_evidence=4)[0]
    assert found.accuracy == 1
    assert [unit.clusters for unit in found.units] == clusters
    assert [unit.noise for unit in found.units[:2]] == [0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_labels_give_none(seed):
    shuffled = planted(KNOWS, [], shuffled=True, seed=seed)
    found = measure(shuffled, "head", least_evidence=4)[0]
    assert found.accuracy < 0.35
    assert not any(unit.clusters for unit in found.units)
    assert found.signal_to_noise is None
    # The published measure compares a unit with its own largest field only.
    assert any(unit.clusters for unit in measure(shuffled, "head")[0].units)


def test_evidence_is_the_difference_in_standard_errors():
    features = planted([(0, 1), ()], [], strength=0.2)
    _, evidence = readable(features)
    (z,) = features.test.values()
    own, others = (z[features.y_test == 0, 0, 0], z[features.y_test != 0, 0, 0])
    error = z[:, 0, 0].std() * np.sqrt(1 / len(own) + 1 / len(others))
    assert evidence[0, 0] == pytest.approx((own.mean() - others.mean()) / error, rel=1e-3)
    assert abs(evidence[1]).max() < 4
