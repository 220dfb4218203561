"""Finished runs and other models: open them, with the data that fit."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import keras

from cctzoo import data, models
from cctzoo.arguments import checked_arguments
from cctzoo.data import Augmentation, Dataset, EncodedImages
from cctzoo.data.dataset import PARTS
from cctzoo.data.division import divide
from cctzoo.data.loading import load_parts
from cctzoo.data.sources import find_source
from cctzoo.delivery import Delivery, deliver, is_delivered
from cctzoo.messages import received, shown
from cctzoo.training import Recipe, Run, is_run, open_run, resume, train
from cctzoo.training.build import config_from_data
from cctzoo.training.fine_tuning import fine_tuning_settings, with_model_input
from cctzoo.training.recipe import DATA_OPTIONS
from cctzoo.training.run import load_recipe
from cctzoo.typing import PathLike
from cctzoo.weights import open_weights
from cctzoo.weights.keras_file import load_keras_model
from cctzoo.weights.source import locate_weights

__all__ = [
    "Delivery",
    "Run",
    "deliver",
    "is_delivered",
    "is_run",
    "is_variant",
    "load_for_model",
    "load_for_training",
    "load_model",
    "load_model_and_data",
    "open_model",
    "open_run",
    "train_or_open",
]

# The recipe of a model that comes without a run. The name of the model decides only the kind.
DEFAULTS: dict[str, dict[str, Any]] = {
    "images": {},
    "texts": {"model": "text_cct_2_k2", "augmentation": Augmentation()},
}


@checked_arguments
def open_model(source: PathLike) -> keras.Model:
    """Loads a model, wherever it is.

    Args:
        source: the directory of a finished run; a tag of `weights.list_weights()`, e.g.
            `"cct_2_3x2_32.digits"`; a `.keras` or `.safetensors` file; a folder of
            `weights.save_to_folder` or its address, e.g. `hf://user/name`; or a name as in
            `models.list_models()`, for a model with new random weights.

    Raises:
        ValueError: if the source does not exist, or does not say of which model it is.
        OSError: if the folder at an address cannot be downloaded.
    """
    if is_run(source):
        return open_run(source).model
    if Path(source).suffix == ".keras" and Path(source).is_file():
        return load_keras_model(source)
    if is_variant(source):
        return models.create_model(str(source))
    locate_weights(source, argument="source")
    with open_weights(source) as opened:
        return opened.build()


@checked_arguments
def train_or_open(recipe: Recipe, directory: PathLike, **options: Any) -> Run:
    """Trains a recipe in a directory, resumes its training there, or opens the finished run.

    A program that calls it for many recipes can be stopped and started again.

    Example:

    ```python
    import cctzoo
    from cctzoo import training

    few = {"epochs": 1, "warmup_epochs": 0, "train_samples": 100, "changes": {"embed_dim": 32}}
    for seed in (0, 1):
        recipe = training.preset("digits", seed=seed, **few)
        run = cctzoo.runs.train_or_open(recipe, f"runs/seed{seed}")
        print(run.figures["test_accuracy"])
    ```

    Args:
        recipe: the recipe.
        directory: a run directory of the same recipe, or a new or empty directory.
        options: keywords of `training.train`, e.g. `workers`.

    Raises:
        ValueError: if the directory has a run of another recipe, and as `training.train`.
    """
    if not is_run(directory):
        return train(recipe, directory, **options)
    check_same_recipe(recipe, directory)
    if Path(directory, "report.json").is_file():
        return open_run(directory)
    return resume(directory, **options)


def check_same_recipe(recipe: Recipe, directory: PathLike) -> None:
    """Raises ValueError if a directory has a run of another recipe."""
    recipe = with_model_input(recipe)
    if is_run(directory) and (found := load_recipe(directory)) != recipe:
        names = [
            field.name
            for field in dataclasses.fields(Recipe)
            if getattr(found, field.name) != getattr(recipe, field.name)
        ]
        raise ValueError(
            "`directory` must have no run of another recipe. "
            f"{received(directory=str(directory))}, whose recipe differs in {', '.join(names)}"
        )


@checked_arguments
def load_model(source: PathLike) -> keras.Model:
    """Loads a trained model, wherever it is.

    Example:

    ```python
    import cctzoo

    model = cctzoo.load_model("cct_2_3x2_32.cifar10")
    print(model.config.class_names)
    ```

    Args:
        source: as in `open_model`, but no name of a model without weights.

    Raises:
        ValueError: if the source does not exist, or does not say of which model it is.
    """
    if is_variant(source):
        raise ValueError(
            "`load_model` loads trained weights: a run, a tag, a file, a folder or an address. "
            "`create_model` builds a model with new weights. "
            f"Received: source={str(source)!r}"
        )
    return open_model(source)


@checked_arguments
def is_variant(source: PathLike) -> bool:
    """Whether a source is the name of a model; tags and paths have a dot, or exist."""
    plain = not {".", "/", os.sep} & set(str(source))
    return plain and (str(source) in models.list_models() or not Path(source).exists())


@checked_arguments
def load_model_and_data(
    source: PathLike, dataset: str | None = None, **options: Any
) -> tuple[keras.Model, Dataset | None]:
    """Loads a model, and the data set of its run or another one.

    Args:
        source: as in `open_model`. A named text model takes its vocabulary and its classes from
            the data set.
        dataset: name of a data set, which is loaded in the size and the colours of the model.
            Default: that of the run, or none.
        options: keywords of `data.load`, e.g. `data_dir`. For the data set of a run, they take
            the place of the run's options.

    Returns:
        (model, data set or `None`). Texts are strings, see `Dataset.for_model`. A warning says
        if the data of a run have changed, or are other data.

    Raises:
        ValueError: if the source does not exist, options are given without a data set, or the
            data do not fit the model.
    """
    model, _, loaded = load_for_training(source, dataset, **options)
    return model, loaded


@checked_arguments
def load_for_training(
    source: PathLike, dataset: str | None = None, **options: Any
) -> tuple[keras.Model, Recipe | None, Dataset | None]:
    """Loads a model and its data as `load_model_and_data`, and a recipe to train with them.

    Returns:
        (model, recipe, data set). The recipe is that of the run, with the data that are loaded.
        For trained weights without a run, it has the defaults and the settings of
        `fine_tuning_settings`. For the name of a model, and without data, it is `None`.
    """
    if options and not dataset and not is_run(source):
        raise ValueError(f"Data options need a data set. Received: dataset=None, {options}")
    if is_run(source):
        run = open_run(source, **({} if dataset else options))
        if dataset is None:
            return run.model, run.recipe, run.dataset
        recipe, loaded = load_for_model(run.model, dataset, run.recipe, **options)
        run.check_data(loaded)
        if run.fingerprint is not None:  # the model's outputs keep the names of its training
            loaded = dataclasses.replace(loaded, classes=run.fingerprint["classes"])
        return run.model, recipe, loaded
    if dataset is None:
        return open_model(source), None, None
    if is_variant(source) and models.variant_config(str(source)).kind == "texts":
        loaded = data.load(dataset, **options)
        fields = config_from_data(models.variant_config(str(source)), loaded)
        del fields["classifier_activation"]
        return models.create_model(str(source), **fields), None, loaded
    model = open_model(source)
    recipe, loaded = load_for_model(model, dataset, **options)
    recipe = dataclasses.replace(recipe, **fine_tuning_settings(len(loaded.x_train)))
    return model, None if is_variant(source) else recipe, loaded


@checked_arguments
def load_for_model(
    model: keras.Model, dataset: str, recipe: Recipe | None = None, **options: Any
) -> tuple[Recipe, Dataset]:
    """Loads a data set in the size and the colours that a model takes.

    Args:
        model: a `CCT` or a `SoftCommittee`.
        dataset: name of a data set, as in `data.load`.
        recipe: the recipe of the model's run. Its seed and its shares apply to the data set too,
            and its numbers of samples where there are as many. Default: one with the defaults.
        options: keywords of `data.load`, which take precedence.

    Returns:
        (the recipe with this data set, the data set).

    Raises:
        ValueError: if the data set cannot be loaded, or does not fit the model.
    """
    kind = model.config.kind
    source, _ = find_source(dataset)
    fields: dict[str, Any] = dict.fromkeys(DATA_OPTIONS) | {"skip_unreadable": False}
    if kind == "images" and "color_mode" in source.options:
        fields["color_mode"] = {1: "grayscale", 3: "rgb"}.get(model.input_shape[-1])
    if recipe is None:
        recipe = Recipe(dataset=dataset, **DEFAULTS[kind])
    elif "skip_unreadable" in source.options:
        fields["skip_unreadable"] = recipe.skip_unreadable
    chosen = dataclasses.replace(recipe, dataset=dataset, **fields | options)
    limits: dict[str, Any] = dict.fromkeys(("train_samples", "test_samples"))
    of_parts = set(DATA_OPTIONS) - {*limits, "fold"}
    parts = load_parts(dataset, **{name: getattr(chosen, name) for name in of_parts})
    for name, y in {"train_samples": parts.y_train, "test_samples": parts.y_test}.items():
        limit = getattr(recipe, name)
        limits[name] = options.get(name, limit if limit and limit <= len(y) else None)
    chosen = dataclasses.replace(chosen, **limits)
    loaded = divide(parts, dataset, chosen.validation, chosen.seed, **limits, fold=chosen.fold)
    loaded.check_kind(model.config)
    if kind == "images":
        loaded = _as_model_reads(model, loaded, chosen.image_size)
        if isinstance(loaded.x_train, EncodedImages):
            chosen = dataclasses.replace(chosen, image_size=loaded.x_train.image_size)
    classes = max(2, model.config.classes)  # one output decides between two classes
    if model.config.include_top and len(loaded.classes) != classes:
        raise ValueError(
            f"A data set must have the {classes} classes of the model. "
            f"Received: dataset={dataset!r} with {len(loaded.classes)} classes"
        )
    _check_order(model.config.class_names, loaded)
    return chosen, loaded


def _check_order(names, loaded):
    """Raises ValueError if a data set has the classes of a model in another order."""
    if names and list(names) != list(loaded.classes) and set(names) == set(loaded.classes):
        raise ValueError(
            "A data set must have the classes in the model's order. "
            f"Received: {shown(list(loaded.classes))} for a model of {shown(list(names))}"
        )


def _as_model_reads(model, dataset, image_size):
    """Returns images in the view and the size of a model; another size must be asked for."""
    shape = model.input_shape[1:]
    if isinstance(dataset.x_train, EncodedImages):
        fields = {} if model.config.view is None else {"view": model.config.view}
        if image_size is None:
            fields["image_size"] = shape[:2]
        parts = {f"x_{part}": getattr(dataset, f"x_{part}") for part in PARTS}
        parts = {name: dataclasses.replace(x, **fields) for name, x in parts.items()}
        dataset = dataclasses.replace(dataset, **parts)
    if image_size is None and dataset.x_train.shape[1:] != shape:
        raise ValueError(
            f"Images must have the height, width and channels that the model takes, {shape}. "
            f"Received: dataset={dataset.name!r} with images of {dataset.x_train.shape[1:]}"
        )
    return dataset
