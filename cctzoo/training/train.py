"""One training run, from a recipe to a run directory."""

import csv
import dataclasses
import json
import os
import sys
import time
from pathlib import Path

import keras
import numpy as np

from cctzoo.data import TrainingBatches, load
from cctzoo.models import create_model


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run: the model with logits as output, its data, and its figures."""

    directory: Path
    model: keras.Model
    dataset: object
    report: dict


def train(recipe, directory):
    """Trains a model and leaves a directory that says all about it.

    The directory holds `recipe.json`, `history.csv`, `model.keras` (of the last epoch),
    `curves.png` and `report.json` (test accuracy and loss, seconds, images per second).

    Args:
        recipe: a `Recipe`.
        directory: of the run; it must be new or empty.

    Returns:
        A `Run`.

    Raises:
        ValueError: if the directory is not empty, or data and model do not fit.
    """
    directory = Path(directory)
    check_directory(directory)
    dataset = load(recipe.dataset, recipe.validation, recipe.seed)
    keras.utils.set_random_seed(recipe.seed)
    model = build_model(recipe, dataset)
    batches = TrainingBatches(
        dataset.x_train,
        dataset.y_train,
        len(dataset.classes),
        recipe.batch_size,
        recipe.crop_padding,
        recipe.flip,
        recipe.seed,
    )
    compile_model(model, recipe, len(batches))

    directory.mkdir(parents=True, exist_ok=True)
    recipe.save(directory / "recipe.json")
    one_hot = np.eye(len(dataset.classes), dtype="float32")
    start = time.perf_counter()
    model.fit(
        batches,
        epochs=recipe.epochs,
        validation_data=(dataset.x_validation, one_hot[dataset.y_validation]),
        validation_batch_size=recipe.batch_size,
        callbacks=[
            keras.callbacks.CSVLogger(directory / "history.csv"),
            keras.callbacks.TerminateOnNaN(),
        ],
        verbose=1 if sys.stdout.isatty() else 2,
    )
    seconds = time.perf_counter() - start
    draft = directory / ".model.keras"
    model.save(draft)
    os.replace(draft, directory / "model.keras")
    figures = model.evaluate(
        dataset.x_test,
        one_hot[dataset.y_test],
        batch_size=recipe.batch_size,
        verbose=0,
        return_dict=True,
    )
    report = {
        "backend": keras.backend.backend(),
        "test_accuracy": figures["accuracy"],
        "test_loss": figures["loss"],
        "test_images": len(dataset.x_test),
        "training_seconds": seconds,
        "images_per_second": recipe.epochs * len(batches) * recipe.batch_size / seconds,
    }
    write_json(report, directory / "report.json")
    plot_curves(directory / "history.csv", directory / "curves.png")
    return Run(directory, model, dataset, report)


def check_directory(directory):
    """Raises ValueError unless the directory is new or empty."""
    directory = Path(directory)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ValueError(
            f"`directory` must be new or an empty folder. Received: directory={str(directory)!r}"
        )


def build_model(recipe, dataset):
    """The recipe's model for the data's images and classes, with logits as output."""
    mean, std = dataset.pixel_statistics()
    given = {
        "input_shape": dataset.x_train.shape[1:],
        "classes": len(dataset.classes),
        "mean": mean,
        "std": std,
        "classifier_activation": None,
    }
    return create_model(recipe.model, dtype=recipe.precision, **given | recipe.changes)


def compile_model(model, recipe, steps):
    """AdamW on a warm-up and cosine schedule of `steps` an epoch; smoothed cross-entropy."""
    rate, warmup = recipe.learning_rate, steps * recipe.warmup_epochs
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=rate / 100 if warmup else rate,
        decay_steps=steps * recipe.epochs - warmup,
        warmup_target=rate if warmup else None,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    kernels = {id(v) for v in model.trainable_variables if v.name.endswith("kernel")}
    optimizer.exclude_from_weight_decay(
        var_list=[v for v in model.trainable_variables if id(v) not in kernels]
    )
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )
    model.compile(optimizer, loss, metrics=["accuracy"])


def plot_curves(history, path):
    """Loss and accuracy of training and validation over the epochs, from a CSV to a PNG."""
    from matplotlib.figure import Figure  # no pyplot: no display is needed

    with open(history, newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) + 1 for row in rows]
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, prefix in (("training", ""), ("validation", "val_")):
            values = [float(row[prefix + quantity]) for row in rows]
            axes.plot(epochs, values, marker=".", label=part)
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=150)


def write_json(figures, path):
    """Writes a dict as JSON; the file appears complete or not at all."""
    draft = Path(path).with_name(f".{Path(path).name}")
    draft.write_text(json.dumps(figures, indent=2) + "\n")
    os.replace(draft, path)
