"""`report.html`: what a run has learned, and where it errs."""

import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.data import Dataset
from cctzoo.formats.atomic import write_text
from cctzoo.pages import page
from cctzoo.training.loss_note import loss_note
from cctzoo.training.recipe import Recipe
from cctzoo.training.report.answers import describe_answers
from cctzoo.training.report.deliveries import delivery_figures, read_delivery
from cctzoo.training.report.samples import most_samples, sample_contents
from cctzoo.training.run import Run
from cctzoo.typing import Array, PathLike

PAGE = "report.html"
FOLDER = Path(__file__).parent
CURVES = ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate")


def write_run_page(run: Run, delivered: dict[str, Any] | None = None) -> Path:
    """Writes `report.html` into the directory of a run.

    Args:
        run: the run.
        delivered: `exports` and `latency` as `export/report.json` has them. Default: that file,
            if the run has it.

    Returns:
        The path of the page.
    """
    return write_report_page(
        run.directory,
        title=f"{run.model.name} on {run.dataset.name}",
        dataset=run.dataset,
        outputs=run.test_outputs,
        config=run.model.config,
        figures=run.figures | {"parameters": run.model.count_params()},
        history=run.history,
        recipe=run.recipe,
        delivered=delivered,
    )


def write_report_page(
    directory: PathLike,
    *,
    title: str,
    dataset: Dataset,
    outputs: Array,
    config: Any,
    figures: dict[str, Any],
    history: Sequence[dict[str, float]] = (),
    recipe: Recipe | None = None,
    members: dict[str, float] | None = None,
    delivered: dict[str, Any] | None = None,
) -> Path:
    """Writes `report.html` into a directory: of a run, or of a committee.

    Args:
        directory: the directory.
        title: the heading of the page.
        dataset: the data set; its texts are strings.
        outputs: (n, classes) of the test samples, as `evaluation.predict` returns them.
        config: config of the model, whose activation made the outputs.
        figures: the contents of `report.json`.
        history: a dict of figures per epoch.
        recipe: the recipe of the run.
        members: test accuracy of each member of a committee, by the name of its folder.
        delivered: `exports` and `latency` as `export/report.json` has them. Default: that file,
            if the directory has it.

    Returns:
        The path of the page.
    """
    answers = describe_answers(outputs, dataset.y_test, config, most_samples(dataset.x_test))
    shown = sample_contents(dataset.x_test, answers["shown"]["sample"], "test")
    content = {
        "kind": dataset.kind,
        "classes": [str(name) for name in dataset.classes],
        "figures": {name: value for name, value in figures.items() if _is_fact(value)},
        "curves": _curves(history),
        "note": recipe and loss_note(recipe),
        "recipe": recipe and _settings(recipe),
        "versions": figures.get("versions", {}),
        "members": members and [list(each) for each in members.items()],
        "delivered": delivery_figures(delivered) if delivered else read_delivery(directory),
        **answers,
        "shown": answers["shown"] | shown,
    }
    path = Path(directory, PAGE)
    style = FOLDER / "style.css"
    body = f"<p>{html.escape(_sentence(figures, dataset))}</p>"
    write_text(path, page(title, FOLDER / "js" / "report.js", content, body=body, styles=[style]))
    return path


def _sentence(figures, dataset):
    """What a reader without JavaScript learns."""
    return (
        f"The model is right on {figures['test_accuracy']:.2%} of {figures['test_samples']:,} test "
        f"{dataset.kind}, of {len(dataset.classes)} classes."
    )


def _is_fact(value):
    """Whether a figure of report.json is a single one that JSON can hold."""
    return isinstance(value, str) or (np.isscalar(value) and np.isfinite(value))


def _curves(history):
    """The columns of the history that the page draws; losses may be infinite."""
    names = [name for name in CURVES if history and name in history[0]]
    return {name: np.array([row[name] for row in history], "float32") for name in names}


def _settings(recipe):
    """[name, value, default] of each field of a recipe, as text."""
    values, defaults = (_flat(dataclasses.asdict(each)) for each in (recipe, Recipe()))
    return [[name, value, defaults.get(name, "")] for name, value in values.items()]


def _flat(fields, prefix=""):
    found = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = "" if value is None else str(value)
    return found
