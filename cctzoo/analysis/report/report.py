"""What the analysis of a model's heads found, to be read and saved."""

import dataclasses
import platform
from pathlib import Path

import keras
import numpy as np

from cctzoo.analysis.head_scores import HeadScores
from cctzoo.analysis.recognition.results import Performance
from cctzoo.analysis.report.sentences import sentences
from cctzoo.analysis.report.sheet import report_page
from cctzoo.formats.atomic import write_json, write_text


@dataclasses.dataclass(frozen=True, eq=False)
class HeadReport:
    """What `analyse_heads` found.

    Args:
        name: of the model.
        accuracy: of the model on the test samples.
        performances: dict from unit to `Performance`.
        control: dict from unit to that of a model with fresh weights.
        importance, ablation: `HeadScores`, on training samples.
        attention: `HeadScores` of `distance` and `entropy`, on test samples.
        kept: dict from ranking to a dict from heads per block to accuracy.
        labels: class names of the samples that are shown.
        classes: names.
        images, maps: some test images and their rollout; None of a model for texts.
        saliency: of some test texts, as of `word_saliency`; None of a model for images.
    """

    name: str
    accuracy: float
    performances: dict[str, Performance]
    control: dict[str, Performance]
    importance: HeadScores
    ablation: HeadScores | None
    attention: HeadScores
    kept: dict
    labels: list[str]
    classes: list[str]
    images: np.ndarray | None = None
    maps: np.ndarray | None = None
    saliency: list | None = None

    @property
    def samples(self):
        """What the model is for: `"images"` or `"texts"`."""
        return "images" if self.saliency is None else "texts"

    def figures(self):
        """All figures as a dict for JSON."""
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

    def sentences(self):
        """What the figures of the heads say, in words; nothing is said that they do not."""
        return sentences(self.performances["head"], self.control["head"])

    def save(self, directory):
        """Writes `report.html`, `figures.json`, an `.npz` for each unit, and `pictures/`."""
        folder = Path(directory)
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        for unit, performance in self.performances.items():
            performance.save(folder / f"{unit}s.npz")
        write_json(folder / "figures.json", self.figures())
        write_text(folder / "report.html", report_page(self, folder / "pictures"))
