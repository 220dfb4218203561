"""Clusters of labels in the field matrix of a unit, and the noise around them."""

import dataclasses

import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.messages import received
from cctzoo.typing import Array


@dataclasses.dataclass(frozen=True)
class UnitClusters:
    """The labels that one unit recognises.

    Args:
        clusters: disjoint tuples of labels, each ascending. A cluster of a single label is a
            *unit cluster*.
        noise: number of ones of the Boolean matrix outside the blocks of the clusters.
        internal_noise: number of these ones in the columns of labels that are in a cluster.
        flagged: whether the unit's largest field is not positive, so that its fields cannot
            be normalised.
    """

    clusters: tuple[tuple[int, ...], ...]
    noise: int
    internal_noise: int
    flagged: bool = False

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels that are in a cluster, ascending."""
        return tuple(sorted(label for cluster in self.clusters for label in cluster))


@checked_arguments
def normalise(fields: Array) -> Array:
    """Divides the matrix of each unit by its own largest element.

    Args:
        fields: (U, C, C): rows are true labels, columns are outputs.

    Returns:
        The normalised fields; zeros for a unit whose largest element is not positive, where
        the division would change signs or divide by zero.
    """
    square = fields.ndim == 3 and fields.shape[1] == fields.shape[2] and fields.size
    if not square or fields.dtype.kind not in "iuf":
        raise ValueError(
            "`fields` must be a matrix of numbers (C, C) for each unit. "
            f"Received: fields of shape {fields.shape} and dtype {fields.dtype}"
        )
    largest = fields.max(axis=(1, 2), keepdims=True)  # (U, 1, 1)
    positive = largest > 0
    return np.where(positive, fields / np.where(positive, largest, 1), 0)


@checked_arguments
def find_clusters(recognised: Array) -> UnitClusters:
    """Finds the greedy clusters of one Boolean matrix.

    Labels whose diagonal element is 1 are visited in ascending order. The smallest label that
    is left opens a cluster, and each later label joins it if the cluster with this label is
    still a square block of ones. Every such label is therefore in exactly one cluster.

    Args:
        recognised: (C, C) Boolean: rows are true labels, columns are outputs.

    Raises:
        ValueError: if the matrix is not square or not Boolean.

    Reference: the public single-filter code of the authors of arXiv 2506.23832.
    """
    recognised = _check_matrix(recognised)
    left = list(np.flatnonzero(np.diagonal(recognised)))
    labels = list(left)
    clusters = []
    while left:
        cluster = [left[0]]
        for label in left[1:]:
            if recognised[label, cluster].all() and recognised[cluster, label].all():
                cluster.append(label)
        left = [label for label in left if label not in cluster]
        clusters.append(tuple(map(int, cluster)))
    inside = sum(len(cluster) ** 2 for cluster in clusters)
    in_columns = int(recognised[:, labels].sum())
    return UnitClusters(tuple(clusters), int(recognised.sum()) - inside, in_columns - inside)


@checked_arguments
def unit_clusters(
    fields: Array,
    threshold: float = 0.3,
    evidence: Array | None = None,
    least_evidence: float | None = None,
) -> tuple[UnitClusters, ...]:
    """Normalises the fields, compares them with a threshold and finds each unit's clusters.

    Args:
        fields: (U, C, C): rows are true labels, columns are outputs.
        threshold, least_evidence: as in `ProbeOptions`. A diagonal element with less than the
            least evidence is 0, so that its label is in no cluster.
        evidence: (U, C), as in `BlockPerformance`; needed only for `least_evidence`.

    Raises:
        ValueError: if the threshold is not in [0, 1), or if `least_evidence` is given without
            `evidence`.
    """
    check_threshold(threshold)
    recognised = normalise(fields) > threshold
    if least_evidence is not None:
        if evidence is None:
            raise ValueError(
                "`least_evidence` needs `evidence`. "
                f"Received: evidence=None, least_evidence={least_evidence}"
            )
        by_chance = evidence < least_evidence  # (U, C)
        labels = np.arange(fields.shape[1])
        recognised[:, labels, labels] &= ~by_chance
    positive = fields.max(axis=(1, 2)) > 0
    return tuple(
        find_clusters(matrix) if sound else UnitClusters((), 0, 0, flagged=True)
        for matrix, sound in zip(recognised, positive, strict=True)
    )


def check_threshold(threshold: float) -> None:
    """Raises ValueError unless `threshold` is in [0, 1)."""
    if not 0 <= threshold < 1:
        raise ValueError(f"`threshold` must be in [0, 1). {received(threshold=threshold)}")


def _check_matrix(matrix):
    matrix = np.asarray(matrix)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    if not square or matrix.dtype != bool:
        raise ValueError(
            "`recognised` must be a square Boolean matrix. "
            f"Received: shape={matrix.shape}, dtype={matrix.dtype}"
        )
    return matrix
