"""The report on the heads of a model: its figures, sentences and files."""

import dataclasses
import platform
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cctzoo.analysis.heads.scores import HeadScores
from cctzoo.analysis.recognition.results import Performance
from cctzoo.analysis.report.sentences import sentences
from cctzoo.analysis.report.sheet import report_page
from cctzoo.formats.atomic import write_json, write_text
from cctzoo.typing import Array, PathLike


@dataclasses.dataclass(frozen=True, eq=False)
class HeadReport:
    """The result of `analyse_heads`.

    Args:
        name: name of the model.
        accuracy: accuracy of the model on the test samples.
        performances: dict from unit to `Performance`.
        control: dict from unit to the performance of a model with fresh weights.
        importance, ablation: scores on training samples; without ablation None.
        attention: the scores `distance` and `entropy` on test samples.
        kept: dict from ranking to a dict from heads per block to test accuracy.
        labels: class names of the samples that the report shows.
        classes: names of all classes.
        images, maps: some test images and their attention rollout; None for a text model.
        saliency: word saliency of some test texts; None for an image model.
    """

    name: str
    accuracy: float
    performances: dict[str, Performance]
    control: dict[str, Performance]
    importance: HeadScores
    ablation: HeadScores | None
    attention: HeadScores
    kept: dict[str, dict[int, float]]
    labels: list[str]
    classes: list[str]
    images: Array | None = None
    maps: Array | None = None
    saliency: list[list[tuple[str, float]]] | None = None

    @property
    def kind(self) -> str:
        """The kind of the samples, `"images"` or `"texts"`."""
        return "images" if self.saliency is None else "texts"

    def figures(self) -> dict[str, Any]:
        """Returns all figures as a dict for JSON."""
        scores = {"importance": self.importance, "attention": self.attention}
        if self.ablation is not None:
            scores["ablation"] = self.ablation
        return {
            "model": self.name,
            "accuracy": self.accuracy,
            "classes": self.classes,
            "performance": {unit: each.figures() for unit, each in self.performances.items()},
            "performance_beyond_chance": {
                unit: each.beyond_chance().figures() for unit, each in self.performances.items()
            },
            "random_weights": {unit: each.figures() for unit, each in self.control.items()},
            "heads": {
                f"{name}/{figure}": {str(block): np.asarray(v).tolist() for block, v in by.items()}
                for name, each in scores.items()
                for figure, by in each.figures.items()
            },
            "accuracy_by_kept_heads": self.kept,
            "machine": {
                "keras": keras.__version__,
                "backend": keras.backend.backend(),
                "python": platform.python_version(),
            },
        }

    def sentences(self) -> list[str]:
        """Summarises the figures of the heads in words."""
        return sentences(self.performances["head"], self.control["head"])

    def save(self, directory: PathLike) -> None:
        """Writes `report.html`, `figures.json`, an `.npz` file for each unit, and `pictures/`."""
        folder = Path(directory)
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        for unit, performance in self.performances.items():
            performance.save(folder / f"{unit}s.npz")
        write_json(folder / "figures.json", self.figures())
        write_text(folder / "report.html", report_page(self, folder / "pictures"))
