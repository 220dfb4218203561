"""Reads the folder of a saved report, and makes its page again, without a model."""

import json
from collections.abc import Sequence
from pathlib import Path

from cctzoo.analysis.recognition.results import Performance
from cctzoo.analysis.report.explorer import Analysis, block_rows, explorer_page
from cctzoo.analysis.report.samples import ShownSamples
from cctzoo.analysis.report.saved_roles import load_roles
from cctzoo.arguments import checked_arguments
from cctzoo.formats.atomic import write_text
from cctzoo.formats.fields import (
    COUNT,
    COUNTS,
    NUMBER,
    NUMBERS,
    OBJECT,
    OBJECTS,
    TEXT,
    TEXTS,
    Rule,
    check_fields,
)
from cctzoo.formats.reading import read_json, reading
from cctzoo.messages import received
from cctzoo.typing import PathLike

FIGURES, HEADS, FRESH = "figures.json", "heads.npz", "fresh_heads.npz"
SAMPLES, ROLES = "samples.npz", "roles.npz"
HEADS_FOLDER = "heads"  # of a run
WHAT = "the figures of an analysis that `HeadReport.save` wrote"
RULES = {
    "model": TEXT,
    "kind": TEXT,
    "accuracy": NUMBER,
    "classes": TEXTS,
    "sentences": TEXTS,
    "machine": OBJECT,
    "performance": OBJECT,
    "performance_beyond_chance": OBJECT,
    "random_weights": OBJECT,
    "heads": OBJECT,
    "score_samples": OBJECT,
    "accuracy_by_kept_heads": OBJECT,
}
LISTS = Rule(
    "a list of lists",
    lambda value: isinstance(value, list) and all(isinstance(each, list) for each in value),
)
BLOCK_RULES = {
    "block": COUNT,
    "clusters": LISTS,
    "noise": COUNTS,
    "internal_noise": COUNTS,
    "flagged_units": COUNTS,
    "averages": OBJECT,
    "averages_of_units_with_clusters": OBJECT,
}


@checked_arguments
def write_page(
    path: PathLike, folders: Sequence[PathLike], labels: Sequence[str] | None = None
) -> None:
    """Makes the page of one saved analysis, or of two side by side, without a model.

    Args:
        path: path of the page, an HTML file.
        folders: one or two folders that `HeadReport.save` wrote.
        labels: a name for each of the analyses. Default: the names of their models, with those
            of the folders if the models have the same name.

    Raises:
        ValueError: if there are not one or two folders with a label each, or if a file is
            missing or broken. The error names the file and the entry.
    """
    folders = [Path(folder) for folder in folders]
    if not 1 <= len(folders) <= 2:
        raise ValueError(f"`folders` must be one or two folders. {received(folders=folders)}")
    if labels is not None and len(labels) != len(folders):
        raise ValueError(
            f"`labels` must have a name for each folder. {received(labels=labels, folders=folders)}"
        )
    analyses = [read_analysis(folder) for folder in folders]
    write_text(path, explorer_page(analyses, labels or _labels(folders, analyses)))


def read_analysis(folder: Path) -> Analysis:
    """Reads what the page shows from a folder that `HeadReport.save` wrote.

    Raises:
        ValueError: if a file is missing or broken, or if the files are not of the same analysis.
    """
    figures = read_json(folder / FIGURES, WHAT, "folder")
    samples = ShownSamples.load(folder / SAMPLES)
    offsets, directions = load_roles(folder / ROLES)
    performances = {
        "trained": Performance.load(folder / HEADS),
        "fresh": Performance.load(folder / FRESH),
    }
    fields = {
        side: {block.block: block.normalised for block in each.blocks}
        for side, each in performances.items()
    }
    with reading(folder / FIGURES, WHAT, "folder"):
        _check_analysis(figures, fields, samples)
        _check_roles(figures, directions)
    return Analysis(figures, fields, samples, offsets, directions)


def _labels(folders, analyses):
    names = [each.figures["model"] for each in analyses]
    if len(set(names)) == len(names):
        return names
    parts = [
        folder.resolve().parent.name if folder.name == HEADS_FOLDER else folder.name
        for folder in folders
    ]
    return [f"{name}, {part}" for name, part in zip(names, parts, strict=True)]


def _check_analysis(figures, fields, samples):
    """Raises KeyError or ValueError unless the parts of an analysis belong together."""
    check_fields(figures, RULES)
    json.dumps(figures, allow_nan=False)  # raises for numbers that the page cannot hold
    block_rows(figures)  # raises for entries that the tables of the page would lack
    for each in figures["accuracy_by_kept_heads"].values():
        check_fields({"accuracy_by_kept_heads": each}, {"accuracy_by_kept_heads": OBJECT})
        check_fields(each, {count: NUMBER for count in each if int(count) > 0})
    classes = len(figures["classes"])
    sides = {"trained": ("performance", samples.answers)}
    sides["fresh"] = ("random_weights", samples.fresh_answers)
    for side, (entry, answers) in sides.items():
        check_fields(figures[entry], {"head": OBJECT})
        measured = figures[entry]["head"]
        check_fields(measured, {"options": OBJECT, "blocks": OBJECTS})
        check_fields(measured["options"], {"threshold": NUMBER})
        heads = {}
        for block in measured["blocks"]:
            check_fields(block, BLOCK_RULES)
            heads[block["block"]] = len(block["clusters"])
            if not len(block["clusters"]) == len(block["noise"]) == len(block["internal_noise"]):
                raise ValueError(f"block {block['block']} must have figures for each head")
            labels = [label for head in block["clusters"] for cluster in head for label in cluster]
            if not all(type(label) is int and 0 <= label < classes for label in labels):
                raise ValueError(f"labels in clusters must be from 0 to {classes - 1}")
        shapes = {block: (number, classes, classes) for block, number in heads.items()}
        found = {block: each.shape for block, each in fields[side].items()}
        of_samples = {block: len(each.samples) for block, each in answers.items()}
        if not heads or found != shapes or of_samples != heads:
            raise ValueError(
                f"{FIGURES}, {HEADS}, {FRESH} and {SAMPLES} must be of the same analysis; they "
                f"have {shapes}, {found} and {of_samples}"
            )
        highest = max(int(each.labels.max(initial=0)) for each in answers.values())
        if max(highest, samples.labels.max(), samples.predicted.max()) >= classes:
            raise ValueError(f"labels in {SAMPLES} must be below {classes}, the number of classes")
        if side == "trained":
            for name, blocks in figures["heads"].items():
                check_fields(blocks, {str(block): NUMBERS for block in heads})
                if any(len(blocks[str(block)]) != number for block, number in heads.items()):
                    raise ValueError(f"{name!r} must have a score for each head")


def _check_roles(figures, directions):
    """Raises ValueError unless the roles are those of the heads and classes of an analysis."""
    blocks = figures["performance"]["head"]["blocks"]
    heads = {block["block"]: len(block["clusters"]) for block in blocks}
    found = {block: len(labels) for block, labels in directions.labels.items()}
    if found != heads:
        raise ValueError(
            f"{FIGURES} and {ROLES} must be of the same analysis; they have {heads} and {found}"
        )
    classes = len(figures["classes"])
    for least, blocks in ((-1, directions.labels), (0, directions.raised)):
        for labels in blocks.values():
            if labels.min() < least or labels.max() >= classes:
                raise ValueError(f"labels in {ROLES} must be from {least} to {classes - 1}")
