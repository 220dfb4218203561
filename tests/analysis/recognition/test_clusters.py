"""Clusters and noise: by hand, by a slow reference, and their invariants."""

import itertools

import numpy as np
import pytest

from cctzoo.analysis import find_clusters, normalise, unit_clusters

pytestmark = pytest.mark.one_backend("jax")  # NumPy

WORKED = {(0, 0), (1, 1), (2, 2), (4, 4), (0, 1), (1, 0), (0, 4), (3, 2), (5, 1)}


def matrix(size, ones):
    found = np.zeros((size, size), bool)
    for place in ones:
        found[place] = True
    return found


def block(*labels):
    return set(itertools.product(labels, labels))


BY_HAND = [  # (size, ones, clusters, noise, internal noise)
    (6, WORKED, ((0, 1), (2,), (4,)), 3, 3),
    (3, set(), (), 0, 0),
    (3, {(0, 1), (2, 0)}, (), 2, 0),  # noise without a cluster is not internal
    (3, block(0, 1, 2), ((0, 1, 2),), 0, 0),
    (3, block(0) | block(1) | block(2), ((0,), (1,), (2,)), 0, 0),
    (3, block(1) | {(0, 1), (2, 1), (1, 0)}, ((1,),), 3, 2),
    # Only one of the two off-diagonal elements: not a block.
    (3, block(0) | block(1) | {(0, 1)}, ((0,), (1,)), 1, 1),
    # 2 matches 0 and 1, which do not match each other: the cluster of 0 takes it.
    (3, block(0, 2) | block(1, 2), ((0, 2), (1,)), 2, 2),
    # 1 is visited before 2, although {0, 2, 3} would be larger.
    (4, block(0, 1) | block(0, 2, 3), ((0, 1), (2, 3)), 4, 4),
    (5, block(0, 3) | block(1, 4) | {(2, 0), (0, 2)}, ((0, 3), (1, 4)), 2, 1),
    # A label without a diagonal element joins no cluster.
    (3, block(0, 1, 2) - {(1, 1)}, ((0, 2),), 4, 2),
    (1, {(0, 0)}, ((0,),), 0, 0),
]


@pytest.mark.parametrize(("size", "ones", "clusters", "noise", "internal"), BY_HAND)
def test_clusters_by_hand(size, ones, clusters, noise, internal):
    found = find_clusters(matrix(size, ones))
    assert (found.clusters, found.noise, found.internal_noise) == (clusters, noise, internal)
    assert not found.flagged


def slowly(recognised):
    """The definition, element by element."""
    size, left, clusters = len(recognised), [], []
    for label in range(size):
        if recognised[label][label]:
            left.append(label)
    while left:
        cluster = [left.pop(0)]
        for label in list(left):
            grown = [*cluster, label]
            if all(recognised[i][j] for i in grown for j in grown):
                cluster = grown
                left.remove(label)
        clusters.append(tuple(cluster))
    blocks = {pair for cluster in clusters for pair in block(*cluster)}
    noise = {
        (i, j)
        for i in range(size)
        for j in range(size)
        if recognised[i][j] and (i, j) not in blocks
    }
    columns = {label for cluster in clusters for label in cluster}
    return tuple(clusters), len(noise), sum(j in columns for _, j in noise)


def random_matrices():
    rng = np.random.default_rng(0)
    for density in (0.05, 0.2, 0.5, 0.8, 0.95):
        for size in (1, 2, 3, 5, 7, 13):
            for _ in range(8):
                yield rng.random((size, size)) < density


def test_cluster_invariants():
    for recognised in random_matrices():
        found = find_clusters(recognised)
        assert (found.clusters, found.noise, found.internal_noise) == slowly(recognised.tolist())
        labels = [label for cluster in found.clusters for label in cluster]
        assert sorted(labels) == np.flatnonzero(np.diagonal(recognised)).tolist() == [*found.labels]
        for cluster in found.clusters:
            assert recognised[np.ix_(cluster, cluster)].all()
            assert list(cluster) == sorted(cluster)
        assert 0 <= found.internal_noise <= found.noise <= recognised.sum()


def test_noise_around_a_planted_block_is_counted():
    rng = np.random.default_rng(1)
    for _ in range(40):
        size = int(rng.integers(4, 12))
        cluster = np.sort(rng.choice(size, int(rng.integers(1, size)), replace=False)).tolist()
        outside = [
            pair for pair in itertools.permutations(range(size), 2) if pair[0] not in cluster
        ]
        noise = [pair for pair in outside if rng.random() < 0.3]
        found = find_clusters(matrix(size, block(*cluster) | set(noise)))
        internal = sum(pair[1] in cluster for pair in noise)
        assert (found.clusters, found.noise, found.internal_noise) == (
            (tuple(cluster),),
            len(noise),
            internal,
        )


def test_fields_are_normalised_per_unit_and_the_threshold_is_strict():
    fields = np.array([[[10.0, 3.0], [3.1, -50.0]], [[0.1, 0.2], [0.0, 0.07]]])
    assert np.allclose(normalise(fields)[0], [[1, 0.3], [0.31, -5]])
    first, second = unit_clusters(fields)
    assert (first.clusters, first.noise, first.internal_noise) == (((0,),), 1, 1)
    assert (second.clusters, second.noise, second.internal_noise) == (((0,), (1,)), 1, 1)
    (_, second) = unit_clusters(fields, threshold=0.4)
    assert (second.clusters, second.noise, second.internal_noise) == (((0,),), 1, 0)
    with pytest.raises(ValueError, match="Received: threshold=1"):
        unit_clusters(fields, threshold=1)


@pytest.mark.parametrize("largest", [0.0, -0.5])
def test_unit_without_positive_field_is_flagged(largest):
    fields = np.full((2, 3, 3), largest)
    fields[1, 2, 2] = 1
    flagged, sound = unit_clusters(fields)
    assert flagged.flagged
    assert (flagged.clusters, flagged.noise) == ((), 0)
    assert not sound.flagged
    assert sound.clusters == ((2,),)
    assert not normalise(fields)[0].any()


def test_labels_below_the_least_evidence_are_in_no_cluster():
    fields = np.array([[[1.0, 0.5], [0.2, 0.9]]])
    evidence = np.array([[9.0, 3.9]])
    assert unit_clusters(fields, 0.3, evidence, 4)[0].clusters == ((0,),)
    assert unit_clusters(fields, 0.3, evidence, 3.9)[0].clusters == ((0,), (1,))
    assert unit_clusters(fields, 0.3, evidence)[0].clusters == ((0,), (1,))
    with pytest.raises(ValueError, match="Received: evidence=None, least_evidence=4"):
        unit_clusters(fields, 0.3, least_evidence=4)


@pytest.mark.parametrize("wrong", [np.zeros((2, 3), bool), np.zeros((2, 2)), np.zeros(4, bool)])
def test_invalid_matrices(wrong):
    with pytest.raises(ValueError, match=f"Received: shape=.*dtype={wrong.dtype}"):
        find_clusters(wrong)
