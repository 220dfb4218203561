"""One training run, from a recipe to a run directory."""

import contextlib
import dataclasses
import os
import signal
import sys
import threading
from pathlib import Path

import keras
import numpy as np

from cctzoo.data.batches import check_batch_size
from cctzoo.formats.atomic import atomic_file, remove_drafts, write_json
from cctzoo.training import checkpoint, evaluation, plots
from cctzoo.training.build import (
    build_model,
    compile_model,
    training_model,
)
from cctzoo.training.callbacks import (
    RunRecorder,
    StopAtNaN,
    TrainingDiverged,
    write_history,
)
from cctzoo.training.devices import use_devices
from cctzoo.training.recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run: the model with logits as output, its data, and its figures."""

    directory: Path
    model: keras.Model
    dataset: object
    report: dict


def train(
    recipe, directory, *, devices=1, tensorboard=False, workers=None, callbacks=(), **loading
):
    """Trains a model and leaves a directory that says all about it.

    The directory holds `recipe.json`, `history.csv`, `checkpoint.npz` (the whole state after
    the last finished epoch), `best.keras` (of the highest validation accuracy),
    `model.keras` (of the last epoch), `curves.png`, `confusion.png` and `report.json` (test
    accuracy, top-5, class by class, seconds, images or texts per second).

    Ctrl-C, SIGTERM or a kill at any moment lose the epoch that runs; `resume` goes on.

    Args:
        recipe: a `Recipe`.
        directory: of the run; it must be new or empty.
        devices: that share each batch; see `use_devices`.
        tensorboard: write events to `tensorboard/` in the directory.
        workers: threads that decode images ahead. Default: one per processor.
        callbacks: further Keras callbacks of the training.
        loading: further keywords of `data.load`, e.g. `data_dir`.

    Returns:
        A `Run`.

    Raises:
        ValueError: if the directory is not empty, or data, model and devices do not fit.
        TrainingDiverged: at the first step whose loss is not finite.
    """
    check_directory(directory)
    return _train(recipe, Path(directory), False, devices, tensorboard, workers, callbacks, loading)


def resume(directory, *, devices=1, tensorboard=False, workers=None, callbacks=(), **loading):
    """Goes on with a run of `train` after its last finished epoch.

    The epochs are those that the run would have had. Of a finished run the evaluation is
    repeated. Arguments, result and errors are those of `train`.
    """
    directory = Path(directory)
    if not (directory / "recipe.json").is_file():
        raise ValueError(
            "`directory` must be that of a run, with its recipe.json. "
            f"Received: directory={str(directory)!r}"
        )
    recipe = Recipe.load(directory / "recipe.json")
    return _train(recipe, directory, True, devices, tensorboard, workers, callbacks, loading)


def _train(recipe, directory, resumed, devices, tensorboard, workers, callbacks, loading):
    dataset = recipe.load_data(**loading)
    check_batch_size(recipe.batch_size, len(dataset.x_train), recipe.augmentation)
    keras.utils.set_random_seed(recipe.seed)
    with use_devices(devices, recipe.batch_size):
        model = build_model(recipe, dataset)
        dataset = dataset.for_model(model)
        trained = training_model(model, recipe, dataset)
        steps = len(dataset.x_train) // recipe.batch_size
        compile_model(trained, recipe, steps)
        trained.optimizer.build(trained.trainable_variables)
        directory.mkdir(parents=True, exist_ok=True)
        recipe.save(directory / "recipe.json")
        history, best = [], None
        remove_drafts(directory)
        if resumed and (directory / "checkpoint.npz").exists():
            path = directory / "checkpoint.npz"
            history, best = checkpoint.load(path, model, trained.optimizer)
            write_history(history, directory / "history.csv")  # which is written after it
        workers = _workers(dataset.x_train, devices, workers)
        batches = dataset.batches(
            recipe.batch_size,
            recipe.augmentation,
            seed=recipe.seed,
            epoch=len(history),
            workers=workers,
        )
        validate = _validation(trained, dataset, recipe.batch_size)
        recorder = RunRecorder(directory, model, validate, history, best, tensorboard)
        fit(trained, batches, recipe, recorder, callbacks)
        return _finish(recipe, directory, model, dataset, recorder, steps)


def fit(model, batches, recipe, recorder, callbacks=()):
    """Trains from the recorder's last epoch to the recipe's last."""
    guard = StopAtNaN()
    done = len(recorder.history)
    if done == recipe.total_epochs:  # what `fit` does at its end
        model.optimizer.finalize_variable_values(model.trainable_variables)
        return
    with sigterm_like_interrupt():
        model.fit(
            batches,
            initial_epoch=done,
            epochs=recipe.total_epochs,
            shuffle=False,  # the batches do so themselves
            callbacks=[guard, recorder, *callbacks],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    if guard.step is not None:
        raise TrainingDiverged(
            f"The loss was no longer finite at step {guard.step + 1} of epoch "
            f"{len(recorder.history) + 1}. {recorder.directory} holds the epochs before. Try a "
            "lower learning_rate, a longer warm-up, clip_norm=1 or float32."
        )


def _finish(recipe, directory, model, dataset, recorder, steps):
    with atomic_file(directory / "model.keras") as draft:
        model.save(draft)
    logits = evaluation.predict(model, dataset.x_test, recipe.batch_size)
    matrix = evaluation.confusion(logits, dataset.y_test)
    seconds = sum(row["seconds"] for row in recorder.history)
    found = evaluation.figures(logits, dataset.y_test)
    report = {f"test_{name}": value for name, value in found.items()} | {
        "test_samples": len(dataset.x_test),
        "best_validation_accuracy": recorder.best,
        "training_seconds": seconds,
        "samples_per_second": len(recorder.history) * steps * recipe.batch_size / seconds,
        "backend": keras.backend.backend(),
        "class_accuracies": evaluation.class_accuracies(matrix, dataset.classes),
        "confusion": matrix.tolist(),
    }
    write_json(directory / "report.json", report)
    plots.plot_curves(directory / "history.csv", directory / "curves.png")
    plots.plot_confusion(matrix, dataset.classes, directory / "confusion.png")
    return Run(directory, model, dataset, report)


def check_directory(directory):
    """Raises ValueError unless the directory is new or empty."""
    directory = Path(directory)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ValueError(
            f"`directory` must be new or an empty folder. Received: directory={str(directory)!r}"
        )


def _workers(x, devices, asked):
    """Threads that prepare batches; 1 is the training thread itself."""
    if isinstance(x, np.ndarray):
        return 1  # what is drawn takes less time than to hand it over
    if devices > 1 and keras.backend.backend() == "tensorflow":
        return 1  # Keras' queue gives MirroredStrategy other batches, without a word
    return asked or os.cpu_count() or 1


def _validation(model, dataset, batch_size):
    """A function that evaluates on the validation part; `None` where there is none."""
    x, y = dataset.x_validation, dataset.y_validation
    if not len(x):
        return None

    def validate():
        found = evaluation.figures(evaluation.predict(model, x, batch_size), y)
        return {f"val_{name}": found[name] for name in ("accuracy", "loss")}

    return validate


@contextlib.contextmanager
def sigterm_like_interrupt():
    """Within the block, SIGTERM raises KeyboardInterrupt, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
