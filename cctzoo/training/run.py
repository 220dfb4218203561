"""Run: a finished training run, and everything in its directory."""

import dataclasses
import logging
import warnings
from pathlib import Path
from typing import Any

from cctzoo.arguments import checked_arguments
from cctzoo.data import Dataset
from cctzoo.data.fingerprint import changes as data_changes
from cctzoo.data.fingerprint import check_fingerprint
from cctzoo.data.names import check_prepared
from cctzoo.formats.fields import COUNT, POSITIVE, SHARE, TEXT, check_fields, optional
from cctzoo.formats.reading import read_json, reading
from cctzoo.keywords import check_keywords
from cctzoo.models import CCT
from cctzoo.training.evaluation import predict
from cctzoo.training.history import HISTORY, read_history
from cctzoo.training.recipe import Recipe
from cctzoo.typing import Array, PathLike
from cctzoo.weights.keras_file import load_keras_model

FIELDS = [field.name for field in dataclasses.fields(Recipe)]
DATA = "data.json"  # `Dataset.fingerprint` of the data that the run was started with

# The figures of report.json that are read again; the rest is for people.
FIGURES = {
    "test_accuracy": SHARE,
    "test_samples": COUNT,
    "last_validation_accuracy": optional(SHARE),
    "training_seconds": POSITIVE,
    "samples_per_second": POSITIVE,
    "backend": TEXT,
}

logger = logging.getLogger(__name__)


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
        download: whether a set of TFDS may be downloaded to the `data_dir` of the recipe.
        test_outputs: the model's outputs for the test samples, if they are known.
    """

    def __init__(
        self,
        directory: PathLike,
        recipe: Recipe,
        figures: dict[str, Any],
        history: list[dict[str, float]],
        model: CCT | None = None,
        dataset: Dataset | None = None,
        download: bool = True,
        test_outputs: Array | None = None,
    ):
        self.directory = Path(directory)
        self.recipe, self.figures, self.history = recipe, figures, history
        self._model, self._dataset, self._download = model, dataset, download
        self._test_outputs = test_outputs

    @property
    def model(self) -> CCT:
        """The trained model, which returns logits."""
        if self._model is None:
            self._model = load_keras_model(self.directory / "model.keras")
        return self._model

    @property
    def dataset(self) -> Dataset:
        """The data set that the run was trained on; texts are strings.

        A warning says if the data have changed since the training.

        Raises:
            ValueError: if the data cannot be loaded.
        """
        if self._dataset is None:
            try:
                if not self._download:
                    check_prepared(self.recipe.dataset, self.recipe.data_dir)
                dataset = self.recipe.load_data()
            except ValueError as error:
                raise ValueError(
                    f"{error}. These are the data of the run {str(self.directory)!r}. If they are "
                    "elsewhere, give their place with --dataset or --data-dir, or as "
                    "`open_run(directory, dataset=..., data_dir=...)`; an export also works "
                    "without data, with --no-data."
                ) from error
            self.check_data(dataset)
            self._dataset = dataset
        return self._dataset

    @property
    def test_outputs(self) -> Array:
        """The model's outputs for the test samples of the data set, (n, classes) float32."""
        if self._test_outputs is None:
            x = self.dataset.for_model(self.model).x_test
            self._test_outputs = predict(self.model, x, self.recipe.batch_size)
        return self._test_outputs

    @property
    def fingerprint(self) -> dict[str, Any] | None:
        """`Dataset.fingerprint` of the training; None if the run has no data.json.

        Raises:
            ValueError: if data.json is broken.
        """
        return load_fingerprint(self.directory)

    def check_data(self, dataset: Dataset) -> None:
        """Warns if a data set has other content than the one that the run was trained on."""
        then = self.fingerprint
        found = then and data_changes(then, dataset.fingerprint())
        if found:
            warnings.warn(
                f"The data {dataset.name!r} are not those that the run {str(self.directory)!r} was "
                f"trained on: {found}. Test samples may have been trained on.",
                stacklevel=3,
            )


@checked_arguments
def is_run(path: PathLike) -> bool:
    """Whether a path is the directory of a training run, finished or not."""
    return Path(path, "recipe.json").is_file()


def load_fingerprint(directory: PathLike) -> dict[str, Any] | None:
    """Returns the `Dataset.fingerprint` that a run keeps, or None if it keeps none."""
    path = Path(directory, DATA)
    if not path.is_file():
        return None
    what = "the data.json of a run, which identifies its data"
    found = read_json(path, what)
    with reading(path, what):
        check_fingerprint(found)
    return found


def check_unchanged(directory: PathLike, dataset: Dataset) -> dict[str, Any]:
    """Checks that a run, new or not, can continue with a data set.

    Held-out samples are drawn from all samples: with other samples, a resumed run would train on
    samples that it was validated on before.

    Returns:
        The fingerprint of the data set, for data.json.

    Raises:
        ValueError: if the run was started with other data.
    """
    then, now = load_fingerprint(directory), dataset.fingerprint()
    if then is None:
        if Path(directory, "checkpoint.npz").is_file():
            logger.info("%s has no %s: the data of the run are not checked", directory, DATA)
    elif found := data_changes(then, now):
        raise ValueError(
            "A run must be resumed with the data that it was started with; train on other data in "
            f"a new run. Received: directory={str(directory)!r}, dataset={dataset.name!r}: {found}"
        )
    return now


@checked_arguments
def load_recipe(directory: PathLike, **changes: Any) -> Recipe:
    """Loads the recipe of a training run, finished or not.

    Args:
        directory: the run directory.
        changes: other values for some fields of the recipe; `None` keeps the value of the run.

    Raises:
        ValueError: if the directory is not a run directory, or its recipe.json is broken.
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


@checked_arguments
def open_run(directory: PathLike, **changes: Any) -> Run:
    """Opens the directory of a finished training run.

    Args:
        directory: the run directory.
        changes: other values for fields of the recipe, for data that are elsewhere, e.g.
            `dataset="folder:/new/place"` or `data_dir`; `None` keeps the value of the run.

    Raises:
        ValueError: if the directory is not a run directory, one of its files is broken, or the
            run is not finished. The data set is not downloaded to a folder that recipe.json
            names, but only to a `data_dir` that is given.
    """
    check_keywords("open_run", changes, FIELDS)
    recipe = load_recipe(directory, **changes)
    report = Path(directory, "report.json")
    if not report.is_file():
        raise ValueError(
            "The run must be finished: resume it first. "
            f"Received: directory={str(directory)!r}, which has no report.json"
        )
    history = read_history(Path(directory, HISTORY))
    download = changes.get("data_dir") is not None
    return Run(directory, recipe, _figures(report), history, download=download)


def _figures(path):
    """The contents of a report.json."""
    what = "the report.json of a finished run"
    found = read_json(path, what)
    with reading(path, what):
        check_fields(found, FIGURES)
    return found
