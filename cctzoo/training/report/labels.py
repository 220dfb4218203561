"""`labels.html`: training samples whose labels are questioned."""

import html
from pathlib import Path

import numpy as np

from cctzoo.data.dataset import Dataset
from cctzoo.formats.atomic import write_text
from cctzoo.pages import page
from cctzoo.training.label_check import LabelCheck
from cctzoo.training.report.page import FOLDER
from cctzoo.training.report.samples import most_samples, sample_contents
from cctzoo.typing import Array, PathLike

LABEL_PAGE = "labels.html"
MOST = 200  # samples that the page shows, if there is room for them
MOST_PAIRS = 100  # rows of the table of classes


def write_label_page(
    directory: PathLike, dataset: Dataset, probabilities: Array, rows: Array, check: LabelCheck
) -> Path:
    """Writes `labels.html` into a directory.

    Args:
        directory: the directory.
        dataset: the data set, all of whose training samples were judged.
        probabilities: (n, classes) of the training samples.
        rows: (n,) their numbers in the source, as in the file of labels.
        check: what was found.

    Returns:
        The path of the page.
    """
    x, labels, classes = dataset.x_train, dataset.y_train, len(dataset.classes)
    chosen = check.questioned[: min(MOST, most_samples(x))]
    suggested = check.suggested[: len(chosen)]
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (labels[check.questioned], check.suggested), 1)
    pairs = np.argwhere(matrix)
    counts = matrix[tuple(pairs.T)]
    frequent = np.argsort(-counts, kind="stable")[:MOST_PAIRS]
    content = {
        "kind": dataset.kind,
        "classes": [str(name) for name in dataset.classes],
        "number": len(check.questioned),
        "samples": len(chosen),
        "pairs": np.column_stack([pairs, counts])[frequent],
        "per_label": np.bincount(labels, minlength=classes),
        "shown": {
            "truth": labels[chosen],
            "predicted": suggested,
            "confidence": probabilities[chosen, suggested].astype("float32"),
            **sample_contents(x, chosen, "training", rows[chosen]),
        },
    }
    right = (probabilities.argmax(axis=1) == labels).mean()
    sentence = (
        f"{len(check.questioned):,} of the {len(labels):,} training labels are questioned. Models "
        f"that had not seen the samples gave {right:.1%} of them their label. A model errs too: "
        "look at the samples before you change a label."
    )
    path = Path(directory, LABEL_PAGE)
    body = f"<p>{html.escape(sentence)}</p>"
    script, style = FOLDER / "js" / "labels.js", FOLDER / "style.css"
    title = f"Labels of {dataset.name}"
    write_text(path, page(title, script, content, body=body, styles=[style]))
    return path
