"""Pareto fronts of accuracy against latency.

Everywhere below `points` is an array of shape (N, 2): accuracy, to be raised (a share or a
percentage), and latency, to be lowered (milliseconds). A point dominates another that it equals
or betters in both and betters in one. So copies do not dominate each other: all or none of them
are on the front.

Reference: Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002,
doi:10.1109/4235.996017.
"""

import numpy as np


def non_dominated(points):
    """Says of each point whether no other one dominates it.

    Args:
        points: (N, 2). Infinite values are allowed: an accuracy of -inf is worse than any.

    Returns:
        (N,), bool: True on the front.

    Raises:
        ValueError: for another shape, and for NaN.
    """
    accuracy, latency = _checked(points).T  # (N,) each
    # (N, N): is the row's point as good as the column's, in both?
    as_good = (accuracy[:, None] >= accuracy) & (latency[:, None] <= latency)
    return ~(as_good & ~as_good.T).any(axis=0)


def ranks(points):
    """Numbers the fronts: 0 for the points that none dominates, 1 once those are gone, ...

    Args:
        points: (N, 2), as in `non_dominated`.

    Returns:
        (N,), int.

    Raises:
        ValueError: for another shape, and for NaN.
    """
    points = _checked(points)
    result = np.zeros(len(points), dtype=int)
    left = np.arange(len(points))
    rank = 0
    while left.size:
        front = non_dominated(points[left])
        result[left[front]] = rank
        left = left[~front]
        rank += 1
    return result


def crowding_distance(points):
    """How far apart the neighbours of each point of one front are: large in thin places.

    Args:
        points: (N, 2), finite; the points of one front (one of `ranks`).

    Returns:
        (N,): the sum over both axes of the distance between the two neighbours, in units of the
        front's extent. The ends have inf; a copy of an earlier point has 0.

    Raises:
        ValueError: for another shape, and for values that are not finite.
    """
    points = _checked(points, finite=True)
    if not len(points):
        return np.zeros(0)
    unique, first = np.unique(points, axis=0, return_index=True)
    distance = np.zeros(len(unique))
    for values in unique.T:
        order = np.argsort(values)
        extent = np.ptp(values) or 1.0
        distance[order[[0, -1]]] = np.inf
        distance[order[1:-1]] += (values[order[2:]] - values[order[:-2]]) / extent
    result = np.zeros(len(points))
    result[first] = distance
    return result


def hypervolume(points, reference):
    """The area that the points dominate, as far as the reference.

    Args:
        points: (N, 2). Those that do not dominate the reference add nothing.
        reference: accuracy and latency that just do not count, finite.

    Returns:
        The area, in units of accuracy times latency. Never less for more points.

    Raises:
        ValueError: for other shapes, for NaN, and for an infinite reference.
    """
    points = _checked(points)
    [[floor, limit]] = _checked([reference], finite=True)
    points = points[non_dominated(points)]
    area = 0.0
    # From the slowest, which is the most accurate, to the fastest.
    for accuracy, latency in points[np.argsort(-points[:, 1])]:
        if accuracy > floor and latency < limit:
            area += (accuracy - floor) * (limit - latency)
            limit = latency
    return float(area)


def _checked(points, finite=False):
    array = np.asarray(points, dtype=float)
    if array.size == 0:
        array = array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(
            "Points must be rows of two numbers, accuracy and latency. "
            f"Received: shape={array.shape}"
        )
    if np.isnan(array).any() or (finite and not np.isfinite(array).all()):
        rule = "finite" if finite else "numbers, not NaN"
        raise ValueError(f"Accuracies and latencies must be {rule}. Received: points={points}")
    return array
