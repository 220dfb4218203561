"""Analysis: what the heads have learned, which of them matter, and models without the rest."""

from cctzoo.analysis.analyse import analyse_heads
from cctzoo.analysis.attention_maps import (
    attention_distance,
    attention_entropy,
    attention_rollout,
)
from cctzoo.analysis.gates import gated_model
from cctzoo.analysis.head_scores import HeadScores, rank_heads
from cctzoo.analysis.importance import head_ablation, head_importance
from cctzoo.analysis.masking import accuracy_by_kept_heads, masked_predictions
from cctzoo.analysis.pruning import prune_heads
from cctzoo.analysis.recognition.clusters import (
    UnitClusters,
    find_clusters,
    normalise,
    unit_clusters,
)
from cctzoo.analysis.recognition.connections import connection_masks, mask_connections
from cctzoo.analysis.recognition.performance import (
    measure,
    single_head_performance,
    single_nodal_performance,
)
from cctzoo.analysis.recognition.pooled_features import POOLINGS, PooledFeatures, pool_features
from cctzoo.analysis.recognition.results import BlockPerformance, Performance
from cctzoo.analysis.report import plots
from cctzoo.analysis.report.report import HeadReport
from cctzoo.analysis.words import word_saliency

__all__ = [
    "POOLINGS",
    "BlockPerformance",
    "HeadReport",
    "HeadScores",
    "Performance",
    "PooledFeatures",
    "UnitClusters",
    "accuracy_by_kept_heads",
    "analyse_heads",
    "attention_distance",
    "attention_entropy",
    "attention_rollout",
    "connection_masks",
    "find_clusters",
    "gated_model",
    "head_ablation",
    "head_importance",
    "mask_connections",
    "masked_predictions",
    "measure",
    "normalise",
    "plots",
    "pool_features",
    "prune_heads",
    "rank_heads",
    "single_head_performance",
    "single_nodal_performance",
    "unit_clusters",
    "word_saliency",
]
