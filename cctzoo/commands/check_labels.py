"""Finds training samples whose labels are probably wrong, by cross-validation.

Trains one model per fold, each on the other folds, so that every training sample is judged by a
model that has not seen it. `labels.csv` lists the samples whose labels are questioned, with the
class that the models suggest, and `labels.html` shows them. Correct the file by hand, or leave it
as it is, and train with it:

    cctzoo check-labels --dataset folder:pets --folds 5 --directory runs/labels
    cctzoo train --dataset folder:pets --labels runs/labels/labels.csv

An empty `label` in the file leaves the sample out; `--leave-out` writes the file in that way. A
row that is removed keeps the label of the data set. The same command continues a check that was
stopped. The flags of the recipe are those of `cctzoo train`. The test part is not used.

Reference: Northcutt et al., "Confident Learning", arXiv 1911.00068.
"""

import argparse
import csv
import dataclasses
import io
from pathlib import Path

import numpy as np

from cctzoo import cli
from cctzoo.data import Dataset
from cctzoo.data.label_file import sample_hash
from cctzoo.formats.atomic import write_json, write_text
from cctzoo.formats.lock import locked
from cctzoo.models.decisions import probabilities
from cctzoo.recipe_flags import recipe_from
from cctzoo.runs import check_same_recipe, train_or_open
from cctzoo.training import LabelCheck, Recipe, check_labels, predict
from cctzoo.training.processes import check_alone
from cctzoo.training.report import write_label_page
from cctzoo.training.report.samples import file_name, shortened
from cctzoo.typing import Array

FILE = "labels.csv"
PROBABILITIES = ("given_probability", "label_probability")
COLUMNS = ("sample", "given", "label", *PROBABILITIES, "content", "hash")


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    cli.show_notices()
    with cli.exit_on_error(parser):
        check_alone("A check of labels")
        recipes = fold_recipes(options)
        with locked(options.directory):
            found, rows = judge(recipes, options)
            write_results(recipes, found, rows, options)


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description, usage="%(prog)s [options]")
    add = parser.add_argument
    add("--directory", type=Path, default=Path("runs/labels"), help="of the check (runs/labels)")
    add("--folds", type=int, default=5, help="models, each trained on the other folds (5)")
    text = "question a label only if another class has this probability (0.5)"
    add("--least-probability", type=float, default=0.5, metavar="SHARE", help=text)
    add("--leave-out", action="store_true", help="write no suggestions: leave the samples out")
    cli.add_recipe_flags(parser)
    return parser


def fold_recipes(options: argparse.Namespace) -> dict[Path, Recipe]:
    """Returns the recipe of each fold by its directory.

    Raises:
        ValueError: if a value is out of range, or a directory has a run of another recipe.
    """
    if options.folds < 2:
        raise ValueError(f"--folds must be at least 2. Received: {options.folds}")
    if not 0 <= options.least_probability <= 1:
        raise ValueError(
            f"--least-probability must be from 0 to 1. Received: {options.least_probability}"
        )
    if getattr(options, "fold", None) is not None:
        raise ValueError(f"Give --folds, the number of all folds. Received: --fold {options.fold}")
    if getattr(options, "labels", None) is not None:
        raise ValueError(
            "The labels of the data set itself are checked: --labels must not be given. "
            f"Received: --labels {options.labels}"
        )
    recipe = recipe_from(vars(options))
    recipes = {
        options.directory / f"fold{i}": dataclasses.replace(recipe, fold=f"{i}/{options.folds}")
        for i in range(1, options.folds + 1)
    }
    for directory, each in recipes.items():
        check_same_recipe(each, directory)
    return recipes


def judge(recipes: dict[Path, Recipe], options: argparse.Namespace) -> tuple[Array, Array]:
    """Trains what is not trained yet; each model judges the fold that it has not seen.

    Returns:
        Probabilities (n, classes), and the numbers of the samples, ascending.
    """
    found, rows = [], []
    for directory, recipe in recipes.items():
        print(f"\nfold {recipe.fold}", flush=True)
        run = train_or_open(recipe, directory, **cli.training_options(options))
        x = run.dataset.for_model(run.model).x_validation
        outputs = predict(run.model, x, recipe.batch_size)
        found.append(probabilities(run.model.config, outputs))
        rows.append(run.dataset.validation_rows)
    order = np.concatenate(rows).argsort()
    return np.concatenate(found)[order], np.concatenate(rows)[order]


def write_results(
    recipes: dict[Path, Recipe], found: Array, rows: Array, options: argparse.Namespace
) -> None:
    """Writes the file of labels, the page and the figures, and prints what was found."""
    recipe = next(iter(recipes.values()))
    data = dataclasses.replace(recipe, fold=None, validation=0.0).load_data()
    check = check_labels(found, data.y_train, options.least_probability)
    figures = {
        "samples": len(rows),
        "folds": len(recipes),
        "accuracy": float((found.argmax(axis=1) == data.y_train).mean()),
        "questioned": len(check.questioned),
        "noise": check.noise,
    }
    directory = options.directory
    write_text(directory / FILE, label_file(data, found, rows, check, options.leave_out))
    write_json(directory / "report.json", figures)
    page = write_label_page(directory, data, found, rows, check)
    print(
        f"\n{figures['accuracy']:.2%} of {len(rows):,} {data.kind} get their label from a model "
        "that was not trained on them\n"
        f"{len(check.questioned):,} labels are questioned: {directory / FILE}, {page}\n"
        f"share of wrong labels: at most about {check.noise:.1%}, mistakes of models included\n\n"
        f"next: look at the page, correct the file, and train with --labels {directory / FILE}"
    )


def label_file(data: Dataset, found: Array, rows: Array, check: LabelCheck, leave_out: bool) -> str:
    """Returns the file of labels as `data.load` reads it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    x, names = data.x_train, [str(name) for name in data.classes]
    for index, suggested in zip(check.questioned, check.suggested, strict=True):
        given = data.y_train[index]
        writer.writerow(
            [
                rows[index],
                names[given],
                "" if leave_out else names[suggested],
                *(f"{found[index, label]:.4f}" for label in (given, suggested)),
                shortened(str(x[index])) if data.kind == "texts" else file_name(x, index),
                sample_hash(x, index),
            ]
        )
    return text.getvalue()
