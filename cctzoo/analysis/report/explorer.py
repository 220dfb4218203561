"""The data of the page: what it shows of one or two analyses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cctzoo.analysis.recognition.results import LEAST_EVIDENCE
from cctzoo.analysis.report.packed_fields import COARSE, FEW_CELLS, FINE, pack_fields
from cctzoo.analysis.report.samples import ShownSamples
from cctzoo.analysis.roles.directions import ClassDirections
from cctzoo.analysis.roles.offsets import HeadOffsets
from cctzoo.pages import image_sheet, page
from cctzoo.typing import Array

FOLDER = Path(__file__).parent / "page"
LONGEST_SIDE = 64  # pixels of an image in the page
FARTHEST = 8  # tokens: the page shows attention at offsets up to here, and to half of the grid
SIDES = {"trained": "performance", "fresh": "random_weights"}


class Analysis(NamedTuple):
    """What the page of an analysis is built from.

    Args:
        figures: the figures of a `HeadReport`, as they are in JSON.
        fields: for `"trained"` and `"fresh"` a dict from block to the normalised fields of its
            heads, (N, C, C).
        samples: the samples that the report shows.
        offsets: the attention of the heads by offset.
        directions: the classes that the heads write to.
    """

    figures: dict[str, Any]
    fields: dict[str, dict[int, Array]]
    samples: ShownSamples
    offsets: HeadOffsets
    directions: ClassDirections


def explorer_page(analyses: Sequence[Analysis], labels: Sequence[str] | None = None) -> str:
    """Returns the page of one analysis, or of two side by side, as HTML.

    Args:
        analyses: one or two analyses.
        labels: a name for each of them. Default: the names of their models.
    """
    names = labels or [each.figures["model"] for each in analyses]
    title = "What the heads have learned: " + " and ".join(names)
    script, style = FOLDER / "main.js", FOLDER / "explorer.css"
    return page(title, script, page_data(analyses, names), styles=[style])


def page_data(analyses: Sequence[Analysis], labels: Sequence[str]) -> dict[str, Any]:
    """Returns everything that the page of one or two analyses shows."""
    reports = [_report(*each) for each in zip(analyses, labels, strict=True)]
    return {"reports": reports, "least_evidence": LEAST_EVIDENCE}


def _report(analysis, label):
    figures, samples = analysis.figures, analysis.samples
    heads = figures["performance"]["head"]
    cells = sum(each.size for blocks in analysis.fields.values() for each in blocks.values())
    steps = FINE if cells <= FEW_CELLS else COARSE
    return {
        "label": label,
        "name": figures["model"],
        "kind": figures["kind"],
        "accuracy": figures["accuracy"],
        "classes": figures["classes"],
        "options": heads["options"],
        "machine": figures["machine"],
        "sentences": figures["sentences"],
        "score_samples": figures["score_samples"],
        "scores": figures["heads"],
        "kept": {
            name: sorted(([int(count), share] for count, share in each.items()), reverse=True)
            for name, each in figures["accuracy_by_kept_heads"].items()
        },
        "tables": block_rows(figures),
        "sides": {side: _side(analysis, side, steps) for side in SIDES},
        "roles": _roles(analysis),
        "samples": _samples(samples),
        "steps": steps,
    }


def block_rows(figures: dict[str, Any]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Returns the figures of blocks by unit and by what counts: a list of rows for each."""
    parts = {
        "trained": figures["performance"],
        "beyond_chance": figures["performance_beyond_chance"],
        "fresh": figures["random_weights"],
    }
    return {
        unit: {
            name: [
                {
                    "block": block["block"],
                    "train_accuracy": block["probe_train_accuracy"],
                    "accuracy": block["probe_accuracy"],
                    "signal_to_noise": block["signal_to_noise"],
                    **block["averages"],
                    "empty": block["averages"]["units"]
                    - block["averages_of_units_with_clusters"]["units"],
                    "covered": block["labels_covered"],
                }
                for block in part[unit]["blocks"]
            ]
            for name, part in parts.items()
        }
        for unit in figures["performance"]
    }


def _side(analysis, side, steps):
    measured = analysis.figures[SIDES[side]]["head"]
    answers = {"trained": analysis.samples.answers, "fresh": analysis.samples.fresh_answers}[side]
    fields, threshold = analysis.fields[side], measured["options"]["threshold"]
    return [
        {
            "block": block["block"],
            "clusters": block["clusters"],
            "noise": block["noise"],
            "internal_noise": block["internal_noise"],
            "flagged": block["flagged_units"],
            "fields": pack_fields(fields[block["block"]], threshold, steps),
            "samples": answers[block["block"]].samples.astype("uint16"),
            "strengths": answers[block["block"]].strengths,
            "labels": answers[block["block"]].labels.astype("uint16"),
            "maps": answers[block["block"]].maps,
        }
        for block in measured["blocks"]
    ]


def _roles(analysis):
    """Returns the roles by block: the attention around a query, and class directions."""
    offsets, directions = analysis.offsets, analysis.directions
    middle = np.array(offsets.pairs.shape) // 2
    reach = np.minimum(FARTHEST, (middle + 1) // 2)
    near = (..., *(slice(m - r, m + r + 1) for m, r in zip(middle, reach, strict=True)))
    blocks = {}
    for block, peaks in offsets.peaks.items():
        maps = offsets.maps[block][near]
        largest = maps.reshape(len(maps), -1).max(axis=1)  # (N,)
        scale = 255 / np.maximum(largest, np.finfo("float32").tiny)
        blocks[block] = {
            "maps": np.rint(maps * scale.reshape(-1, *[1] * len(middle))).astype("uint8"),
            "largest": largest,
            "peaks": peaks,
            "equal": offsets.equal[tuple((peaks + middle).T)],  # (N,): at the peak
            "classes": directions.labels[block],
            "explained": directions.explained[block],
            "gains": directions.gains[block],
            "raised": directions.raised[block],
        }
    return {"reach": reach.tolist(), "step": offsets.step, "blocks": blocks}


def _samples(samples):
    largest = np.maximum(samples.rollout.max(axis=1, keepdims=True), np.finfo("float32").tiny)
    return {
        "labels": samples.labels.tolist(),
        "predicted": samples.predicted.tolist(),
        "grid": samples.grid,
        "words": samples.words,
        "rollout": np.rint(255 * samples.rollout / largest).astype("uint8"),
        "images": None if samples.images is None else image_sheet(_small(samples.images)),
    }


def _small(images):
    """Returns images whose longest side is at most LONGEST_SIDE."""
    from PIL import Image

    height, width = images.shape[1:3]
    if max(height, width) <= LONGEST_SIDE:
        return images
    scale = LONGEST_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shrunk = [
        Image.fromarray(each if each.shape[-1] == 3 else each[..., 0]).resize(size)
        for each in images
    ]
    return np.stack([np.asarray(each) for each in shrunk]).reshape(len(images), *size[::-1], -1)
