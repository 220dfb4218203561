"""Fronts, ranks, crowding and hypervolume, compared with slow and simple versions."""

from itertools import pairwise

import numpy as np
import pytest

from tuning import pareto

pytestmark = pytest.mark.one_backend("jax")  # NumPy


def dominates(a, b):
    return a[0] >= b[0] and a[1] <= b[1] and (a[0] > b[0] or a[1] < b[1])


def brute_force_front(points):
    return [not any(dominates(other, point) for other in points) for point in points]


def brute_force_volume(points, reference):
    """Adds the cells between the coordinates that a point dominates."""
    accuracies = np.unique([reference[0], *points[:, 0]])
    latencies = np.unique([reference[1], *points[:, 1]])
    area = 0.0
    for low, high in pairwise(accuracies):
        for fast, slow in pairwise(latencies):
            inside = low >= reference[0] and slow <= reference[1]
            if inside and any(a >= high and t <= fast for a, t in points):
                area += (high - low) * (slow - fast)
    return area


def random_points(seed, levels=None, count=200):
    points = np.random.default_rng(seed).random((count, 2))
    return np.ceil(points * levels) if levels else points


@pytest.mark.parametrize("levels", [None, 3, 12])  # few levels: many ties and equal points
@pytest.mark.parametrize("seed", range(3))
def test_front_and_ranks(seed, levels):
    points = random_points(seed, levels)
    front = pareto.non_dominated(points)
    assert front.tolist() == brute_force_front(points)
    assert front.any()
    ranks = pareto.ranks(points)
    np.testing.assert_array_equal(ranks == 0, front)
    for rank in range(ranks.max() + 1):
        assert all(brute_force_front(points[ranks == rank]))
        if rank:  # a point of the previous front dominates each point
            for point in points[ranks == rank]:
                assert any(dominates(other, point) for other in points[ranks == rank - 1])


def test_equal_points_and_infinite_accuracies():
    points = [(0.9, 5), (0.9, 5), (0.8, 5), (0.9, 6), (0.5, 1), (-np.inf, 1), (-np.inf, 0.5)]
    assert pareto.non_dominated(points).tolist() == [True, True, False, False, True, False, True]
    assert pareto.ranks(points).tolist() == [0, 0, 1, 1, 0, 1, 0]


def test_crowding():
    front = np.array([(0.5, 1.0), (0.6, 2.0), (0.9, 5.0), (0.8, 3.0), (0.6, 2.0)])
    distance = pareto.crowding_distance(front)
    # Extents 0.4 and 4; the neighbours of (0.6, 2) are the 1st and the 4th.
    expected = [np.inf, 0.3 / 0.4 + 2 / 4, np.inf, 0.3 / 0.4 + 3 / 4, 0]
    np.testing.assert_allclose(distance, expected)
    assert pareto.crowding_distance([(0.5, 1.0)]).tolist() == [np.inf]
    assert pareto.crowding_distance([]).tolist() == []


@pytest.mark.parametrize("levels", [None, 5])
def test_hypervolume(levels):
    for seed in range(5):
        points = random_points(seed, levels, count=13)
        reference = points.mean(axis=0)  # some points do not dominate it
        expected = brute_force_volume(points, reference)
        assert expected > 0
        assert pareto.hypervolume(points, reference) == pytest.approx(expected)


def test_hypervolume_example():
    points = [(0.9, 4), (0.8, 2), (0.8, 3), (0.4, 1), (0.95, 11), (-np.inf, 1)]
    # From slow to fast: (10 - 4) * 0.4 + (4 - 2) * 0.3; 0.4 is below the reference.
    assert pareto.hypervolume(points, (0.5, 10)) == pytest.approx(6 * 0.4 + 2 * 0.3)
    assert pareto.hypervolume([], (0.5, 10)) == 0


def test_no_points():
    assert pareto.non_dominated([]).tolist() == []
    assert pareto.ranks(np.zeros((0, 2))).tolist() == []


@pytest.mark.parametrize("function", [pareto.non_dominated, pareto.ranks, pareto.crowding_distance])
def test_invalid_points(function):
    with pytest.raises(ValueError, match=r"NaN|finite.*Received: points=.*nan"):
        function([(0.5, np.nan)])
    with pytest.raises(ValueError, match=r"Received: shape=\(2, 3\)"):
        function(np.zeros((2, 3)))


def test_values_that_must_be_finite():
    with pytest.raises(ValueError, match=r"finite.*inf"):
        pareto.crowding_distance([(0.5, np.inf)])
    with pytest.raises(ValueError, match=r"finite.*inf"):
        pareto.hypervolume([(0.5, 1)], (0, np.inf))
    with pytest.raises(ValueError, match=r"NaN.*nan"):
        pareto.hypervolume([(np.nan, 1)], (0, 2))
