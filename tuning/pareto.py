"""Pareto fronts of accuracy against latency.

In all functions, `points` has shape (N, 2): accuracy (higher is better) and latency (lower is
better). A point dominates another point if it is at least as good in both and better in one. Equal
points do not dominate each other: all or none of them are on the front.

Reference: Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002,
doi:10.1109/4235.996017.
"""

import numpy as np
from numpy.typing import ArrayLike

from cctzoo.typing import Array


def non_dominated(points: ArrayLike) -> Array:
    """Finds the points that no other point dominates.

    Args:
        points: (N, 2). Infinite values are allowed: an accuracy of -inf is worse than all others.

    Returns:
        (N,), bool: True on the front.

    Raises:
        ValueError: if the shape is wrong or a value is NaN.
    """
    accuracy, latency = _checked(points).T  # (N,) each
    # (N, N): whether the row's point is at least as good as the column's in both
    as_good = (accuracy[:, None] >= accuracy) & (latency[:, None] <= latency)
    return ~(as_good & ~as_good.T).any(axis=0)


def ranks(points: ArrayLike) -> Array:
    """Numbers the fronts: 0 for the front, 1 for the front of the remaining points, and so on.

    Args:
        points: (N, 2), as in `non_dominated`.

    Returns:
        (N,), int.

    Raises:
        ValueError: if the shape is wrong or a value is NaN.
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


def crowding_distance(points: ArrayLike) -> Array:
    """Measures the distance between the neighbours of each point of one front.

    Args:
        points: (N, 2), finite; the points of one front, which have the same rank.

    Returns:
        (N,): the distance between the two neighbours, summed over both axes, in units of the
        front's extent. The ends of the front have inf; a copy of an earlier point has 0.

    Raises:
        ValueError: if the shape is wrong or a value is not finite.
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


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Returns the area between the front of the points and a reference point.

    Args:
        points: (N, 2). Points that do not dominate the reference add nothing.
        reference: the accuracy and the latency of the reference point, finite.

    Returns:
        The area, in units of accuracy times latency. More points never reduce it.

    Raises:
        ValueError: if a shape is wrong, a value is NaN or the reference is infinite.
    """
    points = _checked(points)
    [[floor, limit]] = _checked([reference], finite=True)
    points = points[non_dominated(points)]
    area = 0.0
    # From the slowest point, which is the most accurate one, to the fastest.
    for accuracy, latency in points[np.argsort(-points[:, 1])]:
        if accuracy > floor and latency < limit:
            area += (accuracy - floor) * (limit - latency)
            limit = latency
    return float(area)


def _checked(points: ArrayLike, finite: bool = False) -> Array:
    array = np.asarray(points, dtype=float)
    if array.size == 0:
        array = array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(
            f"`points` must have two columns, accuracy and latency. Received: shape={array.shape}"
        )
    if np.isnan(array).any() or (finite and not np.isfinite(array).all()):
        rule = "finite" if finite else "numbers, not NaN"
        raise ValueError(f"Accuracies and latencies must be {rule}. Received: points={points}")
    return array
