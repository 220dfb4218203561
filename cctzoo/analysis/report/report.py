"""The report on the heads of a model: its figures, sentences and files."""

import dataclasses
import json
import platform
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cctzoo.analysis.heads.scores import HeadScores
from cctzoo.analysis.recognition.results import Performance
from cctzoo.analysis.report.explorer import Analysis, explorer_page
from cctzoo.analysis.report.pictures import draw_pictures
from cctzoo.analysis.report.samples import ShownSamples
from cctzoo.analysis.report.saved import FIGURES, FRESH, ROLES, SAMPLES
from cctzoo.analysis.report.saved_roles import save_roles
from cctzoo.analysis.report.sentences import role_sentences, sentences
from cctzoo.analysis.roles.directions import ClassDirections
from cctzoo.analysis.roles.offsets import HeadOffsets
from cctzoo.formats.atomic import write_json, write_text
from cctzoo.typing import PathLike


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
        rank: the scores `saturation`, `rank` and `bound` on test samples.
        offsets: the attention by offset, on test samples.
        directions: the classes that heads write to, on training samples.
        kept: dict from ranking to a dict from heads per block to test accuracy.
        classes: names of all classes.
        samples: the test samples that the report shows, and the answers of the heads to them.
    """

    name: str
    accuracy: float
    performances: dict[str, Performance]
    control: dict[str, Performance]
    importance: HeadScores
    ablation: HeadScores | None
    attention: HeadScores
    rank: HeadScores
    offsets: HeadOffsets
    directions: ClassDirections
    kept: dict[str, dict[int, float]]
    classes: list[str]
    samples: ShownSamples

    @property
    def kind(self) -> str:
        """The kind of the samples, `"images"` or `"texts"`."""
        return "images" if self.samples.words is None else "texts"

    def figures(self) -> dict[str, Any]:
        """Returns all figures as a dict for JSON."""
        roles = HeadScores(
            {
                "offset_share": self.offsets.peak_shares,
                "offset_lift": self.offsets.lifts,
                "explained": {
                    block: each[:, 0] for block, each in self.directions.explained.items()
                },
            }
        )
        scores = {
            "importance": self.importance,
            "attention": self.attention,
            "rank": self.rank,
            "roles": roles,
        }
        if self.ablation is not None:
            scores["ablation"] = self.ablation
        return {
            "model": self.name,
            "kind": self.kind,
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
            "score_samples": {
                name: each.options["samples"]
                for name, each in scores.items()
                if "samples" in each.options
            },
            "accuracy_by_kept_heads": self.kept,
            "class_agreement": self.directions.agreement(self.performances["head"]),
            "sentences": self.sentences(),
            "machine": {
                "keras": keras.__version__,
                "backend": keras.backend.backend(),
                "python": platform.python_version(),
            },
        }

    def sentences(self) -> list[str]:
        """Summarises the figures of the heads in words."""
        heads = self.performances["head"]
        about_roles = role_sentences(self.offsets, self.directions.agreement(heads), self.rank)
        return sentences(heads, self.control["head"]) + about_roles

    def save(self, directory: PathLike, *, pictures: bool = True) -> None:
        """Writes the report.

        - `report.html`: a page to explore, one file that needs no network and no other file;
        - `figures.json`: all figures;
        - `heads.npz`, `attention_nodes.npz`, `mlp_nodes.npz` and `fresh_heads.npz`: the matrices,
          to be read by `Performance.load`;
        - `samples.npz`: the samples that the page shows, and the attention of the heads;
        - `roles.npz`: the attention by offset, and the classes that heads write to;
        - `pictures/`: the plots, as PNG.

        `write_page` makes the page from the other files again.

        Args:
            directory: path of the folder, which is made if it does not exist.
            pictures: whether to draw the plots, which needs matplotlib.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        for unit, performance in self.performances.items():
            performance.save(folder / f"{unit}s.npz")
        self.control["head"].save(folder / FRESH)
        self.samples.save(folder / SAMPLES)
        save_roles(folder / ROLES, self.offsets, self.directions)
        figures = self.figures()
        write_json(folder / FIGURES, figures)
        if pictures:
            draw_pictures(self, folder / "pictures")
        fields = {
            side: {block.block: block.normalised for block in performance["head"].blocks}
            for side, performance in (("trained", self.performances), ("fresh", self.control))
        }
        plain = json.loads(json.dumps(figures))  # as it is read again
        analysis = Analysis(plain, fields, self.samples, self.offsets, self.directions)
        write_text(folder / "report.html", explorer_page([analysis]))
