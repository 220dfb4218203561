"""Roles of heads: for which class, looking where, writing to which classes, and how freely."""

from cctzoo.analysis.roles.directions import ClassDirections, class_directions
from cctzoo.analysis.roles.offsets import HeadOffsets, head_offsets
from cctzoo.analysis.roles.rank import attention_rank
from cctzoo.analysis.roles.relevance import class_relevance

__all__ = [
    "ClassDirections",
    "HeadOffsets",
    "attention_rank",
    "class_directions",
    "class_relevance",
    "head_offsets",
]
