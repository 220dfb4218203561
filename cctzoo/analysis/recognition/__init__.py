"""What single heads and nodes recognise: fields, clusters of labels, and connections."""

from cctzoo.analysis.recognition.clusters import (
    UnitClusters,
    find_clusters,
    normalise,
    unit_clusters,
)
from cctzoo.analysis.recognition.connections import connection_masks, mask_connections
from cctzoo.analysis.recognition.options import POOLINGS, ProbeOptions
from cctzoo.analysis.recognition.performance import (
    measure,
    single_head_performance,
    single_nodal_performance,
)
from cctzoo.analysis.recognition.pooled_features import PooledFeatures, pool_features
from cctzoo.analysis.recognition.results import BlockPerformance, Performance

__all__ = [
    "POOLINGS",
    "BlockPerformance",
    "Performance",
    "PooledFeatures",
    "ProbeOptions",
    "UnitClusters",
    "connection_masks",
    "find_clusters",
    "mask_connections",
    "measure",
    "normalise",
    "pool_features",
    "single_head_performance",
    "single_nodal_performance",
    "unit_clusters",
]
