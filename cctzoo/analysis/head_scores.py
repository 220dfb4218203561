"""Numbers by head and block, and the order that they put the heads into."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from cctzoo.analysis.recognition.results import Performance
from cctzoo.formats.atomic import write_json


@dataclasses.dataclass(frozen=True, eq=False)
class HeadScores:
    """One or several figures of every head.

    Args:
        figures: dict from a figure's name to a dict from block to (N,).
        options: how they were measured: a dict of plain values.
    """

    figures: dict
    options: dict = dataclasses.field(default_factory=dict)

    def __getitem__(self, name):
        """The dict from block to (N,) of a figure."""
        return self.figures[name]

    def save(self, path):
        """Writes JSON."""
        plain = {
            name: {str(block): np.asarray(values).tolist() for block, values in blocks.items()}
            for name, blocks in self.figures.items()
        }
        write_json(path, {"figures": plain, "options": self.options})

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote."""
        found = json.loads(Path(path).read_text())
        figures = {
            name: {int(block): np.array(values) for block, values in blocks.items()}
            for name, blocks in found["figures"].items()
        }
        return cls(figures, found["options"])


def rank_heads(measured, by=None):
    """The heads of each block in order of what was measured, the most important first.

    Args:
        measured: what `head_importance`, `head_ablation` or `single_head_performance` gave.
            Of the last the heads that recognise most labels come first, of equal ones those
            with less noise.
        by: name of the figure, of which more is better; None: the first. Of an ablation
            `"probability_drop"`, `"accuracy_drop"` or `"divergence"`.

    Returns:
        A dict from block to the indices of its heads, (N,).

    Raises:
        ValueError: for a figure that was not measured.
    """
    if isinstance(measured, Performance):
        if measured.unit != "head" or by not in (None, "labels"):
            raise ValueError(
                'Performance ranks heads by="labels" alone. '
                f"Received: by={by!r}, performance of unit={measured.unit!r}"
            )
        return {
            block.block: np.lexsort([[unit.noise for unit in block.units], -block.labels_per_unit])
            for block in measured.blocks
        }
    by = next(iter(measured.figures)) if by is None else by
    if by not in measured.figures:
        raise ValueError(f"`by` must be one of {tuple(measured.figures)}. Received: by={by!r}")
    return {
        block: np.argsort(-np.asarray(values), kind="stable")
        for block, values in measured[by].items()
    }
