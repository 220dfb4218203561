"""Run: a finished training run, and everything in its directory."""

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import keras

from cctzoo.data import Dataset
from cctzoo.keywords import check_keywords
from cctzoo.models import CCT
from cctzoo.training.recipe import Recipe
from cctzoo.typing import PathLike

FIELDS = [field.name for field in dataclasses.fields(Recipe)]


class Run:
    """A finished training run. The model and the data set are loaded when first used.

    Args:
        directory: the run directory.
        recipe: the recipe of the run, with all data options that the run was given.
        figures: the contents of `report.json`: `test_accuracy`, `test_mean_class_accuracy`,
            `test_loss`, `test_samples`, `best_epoch` and its `best_validation_accuracy`,
            `last_validation_accuracy`, `training_seconds`, `samples_per_epoch`,
            `samples_per_second`, `class_accuracies` and more.
        history: one row of `history.csv` per epoch.
        model: the trained model, which returns logits. Default: loaded from `model.keras`.
        dataset: the data set; texts are strings. Default: loaded by the recipe.
    """

    def __init__(
        self,
        directory: PathLike,
        recipe: Recipe,
        figures: dict[str, Any],
        history: list[dict[str, float]],
        model: CCT | None = None,
        dataset: Dataset | None = None,
    ):
        self.directory = Path(directory)
        self.recipe, self.figures, self.history = recipe, figures, history
        self._model, self._dataset = model, dataset

    @property
    def model(self) -> CCT:
        """The trained model, which returns logits."""
        if self._model is None:
            self._model = keras.saving.load_model(self.directory / "model.keras", compile=False)
        return self._model

    @property
    def dataset(self) -> Dataset:
        """The data set that the run was trained on; texts are strings."""
        if self._dataset is None:
            self._dataset = self.recipe.load_data()
        return self._dataset


def is_run(path: PathLike) -> bool:
    """Whether a path is the directory of a training run, finished or not."""
    return Path(path, "recipe.json").is_file()


def load_recipe(directory: PathLike, **changes: Any) -> Recipe:
    """Loads the recipe of a training run, finished or not.

    Args:
        directory: the run directory.
        changes: other values for some fields of the recipe; `None` keeps the value of the run.

    Raises:
        ValueError: if the directory is not a run directory.
    """
    check_keywords("load_recipe", changes, FIELDS)
    if not is_run(directory):
        raise ValueError(
            "`directory` must be a run directory, which contains recipe.json. "
            f"Received: directory={str(directory)!r}"
        )
    recipe = Recipe.load(Path(directory, "recipe.json"))
    given = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(recipe, **given)


def open_run(directory: PathLike, **changes: Any) -> Run:
    """Opens the directory of a finished training run.

    Args:
        directory: the run directory.
        changes: other data options than those of the run, e.g. `data_dir` on another machine;
            `None` keeps the value of the run.

    Raises:
        ValueError: if the directory is not a run directory, or the run is not finished.
    """
    check_keywords("open_run", changes, FIELDS)
    recipe = load_recipe(directory, **changes)
    report = Path(directory, "report.json")
    if not report.is_file():
        raise ValueError(
            "The run must be finished: resume it first. "
            f"Received: directory={str(directory)!r}, which has no report.json"
        )
    with Path(directory, "history.csv").open(newline="") as file:
        history = [
            {name: float(value) for name, value in row.items()} for row in csv.DictReader(file)
        ]
    return Run(directory, recipe, json.loads(report.read_text()), history)
