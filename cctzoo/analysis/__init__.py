"""Analysis: what the heads have learned, which of them matter, and models without the rest."""

from cctzoo.analysis.clusters import UnitClusters, find_clusters, normalise, unit_clusters
from cctzoo.analysis.performance import (
    measure,
    single_head_performance,
    single_nodal_performance,
)
from cctzoo.analysis.pooled_features import PooledFeatures, pool_features
from cctzoo.analysis.results import BlockPerformance, Performance

__all__ = [
    "BlockPerformance",
    "Performance",
    "PooledFeatures",
    "UnitClusters",
    "find_clusters",
    "measure",
    "normalise",
    "pool_features",
    "single_head_performance",
    "single_nodal_performance",
    "unit_clusters",
]
