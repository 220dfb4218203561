"""Which heads matter, and models without the other heads."""

from cctzoo.analysis.heads.ablation import head_ablation
from cctzoo.analysis.heads.gates import gated_model
from cctzoo.analysis.heads.importance import head_importance
from cctzoo.analysis.heads.masking import accuracy_by_kept_heads, masked_predictions
from cctzoo.analysis.heads.pruning import prune_heads
from cctzoo.analysis.heads.scores import HeadScores, rank_heads

__all__ = [
    "HeadScores",
    "accuracy_by_kept_heads",
    "gated_model",
    "head_ablation",
    "head_importance",
    "masked_predictions",
    "prune_heads",
    "rank_heads",
]
