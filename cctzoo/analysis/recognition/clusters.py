"""Clusters of labels in a unit's field matrix, and the noise beside them."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class UnitClusters:
    """What one unit recognises.

    Args:
        clusters: tuples of labels, disjoint, each ascending; one of a single label is a
            *unit cluster*.
        noise: ones of the Boolean matrix outside the blocks of the clusters.
        internal_noise: those of them in columns of labels that stand in a cluster.
        flagged: the unit's largest field is not positive, so that it cannot be normalised.
    """

    clusters: tuple[tuple[int, ...], ...]
    noise: int
    internal_noise: int
    flagged: bool = False

    @property
    def labels(self):
        """The labels that stand in a cluster, ascending."""
        return tuple(sorted(label for cluster in self.clusters for label in cluster))


def normalise(fields):
    """Divides each unit's matrix by its own largest element.

    Args:
        fields: (U, C, C): rows are true labels, columns outputs.

    Returns:
        The normalised fields; zeros for units whose largest element is not positive, where
        dividing would turn signs or divide by zero.
    """
    largest = fields.max(axis=(1, 2), keepdims=True)  # (U, 1, 1)
    positive = largest > 0
    return np.where(positive, fields / np.where(positive, largest, 1), 0)


def find_clusters(recognised):
    """The greedy clusters of one Boolean matrix.

    Labels whose diagonal element is 1 are taken in ascending order: the smallest that is
    left opens a cluster, and each of the others joins it if the cluster with it is still an
    all-ones square block. So every diagonal label is in exactly one cluster.

    Args:
        recognised: (C, C) Boolean: rows are true labels, columns outputs.

    Returns:
        A `UnitClusters`.

    Reference: the public single-filter code of the group of arXiv 2506.23832.
    """
    recognised = _boolean(recognised)
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


def unit_clusters(fields, threshold=0.3, evidence=None, least_evidence=None):
    """Normalises fields, compares them with a threshold and finds each unit's clusters.

    Args:
        fields: (U, C, C): rows are true labels, columns outputs.
        threshold: part of a unit's largest field above which (not at which) an element is 1,
            in [0, 1).
        evidence: (U, C): standard errors by which the images of a label excite its own output
            more than all others do.
        least_evidence: a diagonal element below it is 0, so that its label is in no cluster;
            None for the published measure, which has no such check.

    Returns:
        A `UnitClusters` for each unit.
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"`threshold` must be in [0, 1). Received: threshold={threshold}")
    recognised = normalise(fields) > threshold
    if least_evidence is not None:
        by_chance = evidence < least_evidence  # (U, C)
        labels = np.arange(fields.shape[1])
        recognised[:, labels, labels] &= ~by_chance
    positive = fields.max(axis=(1, 2)) > 0
    return tuple(
        find_clusters(matrix) if sound else UnitClusters((), 0, 0, flagged=True)
        for matrix, sound in zip(recognised, positive, strict=True)
    )


def _boolean(matrix):
    matrix = np.asarray(matrix)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    if not square or matrix.dtype != bool:
        raise ValueError(
            "`recognised` must be a square Boolean matrix. "
            f"Received: shape={matrix.shape}, dtype={matrix.dtype}"
        )
    return matrix
