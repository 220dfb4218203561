"""Scores of heads by block, and rankings of the heads by their scores."""

import dataclasses
from typing import Any

import numpy as np

from cctzoo.analysis.recognition.results import Performance
from cctzoo.arguments import checked_arguments
from cctzoo.formats.atomic import write_json
from cctzoo.formats.fields import NUMBERS, OBJECT, check_fields
from cctzoo.formats.reading import read_json, reading
from cctzoo.messages import shown
from cctzoo.typing import Array, PathLike


@dataclasses.dataclass(frozen=True, eq=False)
class HeadScores:
    """One or several scores of every head.

    Args:
        figures: dict from the name of a score to a dict from block to (N,).
        options: the options of the measurement, as plain values.
    """

    figures: dict[str, dict[int, Array]]
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __getitem__(self, name: str) -> dict[int, Array]:
        """Returns the dict from block to (N,) of a score."""
        return self.figures[name]

    def save(self, path: PathLike) -> None:
        """Writes the scores as JSON."""
        plain = {
            name: {str(block): np.asarray(values).tolist() for block, values in blocks.items()}
            for name, blocks in self.figures.items()
        }
        write_json(path, {"figures": plain, "options": self.options})

    @classmethod
    def load(cls, path: PathLike) -> "HeadScores":
        """Reads a file that `save` wrote.

        Raises:
            ValueError: if the file is broken. The error names the file and the entry.
        """
        what = "a file that `HeadScores.save` wrote"
        found = read_json(path, what)
        with reading(path, what):
            check_fields(found, {"figures": OBJECT, "options": OBJECT})
            check_fields(found["figures"], dict.fromkeys(found["figures"], OBJECT))
            figures = {}
            for name, blocks in found["figures"].items():
                check_fields(blocks, dict.fromkeys(blocks, NUMBERS))
                figures[name] = {int(block): np.array(each) for block, each in blocks.items()}
            return cls(figures, found["options"])


@checked_arguments
def rank_heads(measured: HeadScores | Performance, by: str | None = None) -> dict[int, Array]:
    """Ranks the heads of each block, the most important head first.

    Args:
        measured: the result of `head_importance`, `head_ablation` or
            `single_head_performance`. The last ranks by the number of recognised labels, and
            heads with equally many labels by least noise.
        by: name of the score, where a higher score is more important; None: the first score.
            For an ablation `"probability_drop"`, `"accuracy_drop"` or `"divergence"`.

    Returns:
        A dict from block to the indices of its heads, (N,).

    Raises:
        ValueError: if `measured` has no such score.
    """
    if isinstance(measured, Performance):
        if measured.unit != "head" or by not in (None, "labels"):
            raise ValueError(
                'A `Performance` ranks only heads, and only by="labels". '
                f"Received: by={shown(by)}, performance of unit={measured.unit!r}"
            )
        return {
            block.block: np.lexsort([[unit.noise for unit in block.units], -block.labels_per_unit])
            for block in measured.blocks
        }
    by = next(iter(measured.figures)) if by is None else by
    if by not in measured.figures:
        raise ValueError(f"`by` must be one of {tuple(measured.figures)}. Received: by={shown(by)}")
    return {
        block: np.argsort(-np.asarray(values), kind="stable")
        for block, values in measured[by].items()
    }
