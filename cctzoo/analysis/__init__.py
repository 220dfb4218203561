"""Analysis of heads: what they have learned, which of them matter, and models without the rest."""

from cctzoo.analysis.analyse import analyse_heads
from cctzoo.analysis.attention_maps import (
    attention_distance,
    attention_entropy,
    attention_rollout,
)
from cctzoo.analysis.heads import (
    HeadScores,
    accuracy_by_kept_heads,
    gated_model,
    head_ablation,
    head_importance,
    masked_predictions,
    prune_heads,
    rank_heads,
)
from cctzoo.analysis.recognition import (
    POOLINGS,
    BlockPerformance,
    Performance,
    PooledFeatures,
    ProbeOptions,
    UnitClusters,
    connection_masks,
    find_clusters,
    mask_connections,
    measure,
    normalise,
    pool_features,
    single_head_performance,
    single_nodal_performance,
    unit_clusters,
)
from cctzoo.analysis.report import HeadReport, plots
from cctzoo.analysis.words import word_saliency

__all__ = [
    "POOLINGS",
    "BlockPerformance",
    "HeadReport",
    "HeadScores",
    "Performance",
    "PooledFeatures",
    "ProbeOptions",
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
