"""What a training run shows: its plan, a bar in a terminal or lines in a file, the time left."""

import logging
import sys
import time
from pathlib import Path
from typing import Any

import keras

from cctzoo.data import Dataset
from cctzoo.models import CCT
from cctzoo.training.recipe import Recipe

MOST_LEFT_OUT = 0.05  # share of the training samples that an epoch leaves out without a notice
SECONDS = 30  # between two lines in a file
SETTLED = 5  # steps until their time is typical: the first one compiles the model

logger = logging.getLogger(__name__)


def show_plan(recipe: Recipe, model: CCT, dataset: Dataset, directory: Path, done: int) -> None:
    """Prints what will be trained, on what, for how long and where.

    Args:
        recipe, model, dataset, directory: of the run.
        done: finished epochs.
    """
    size = "x".join(map(str, model.input_shape[1:]))
    parts = [len(x) for x in (dataset.x_train, dataset.x_validation, dataset.x_test)]
    steps = parts[0] // recipe.batch_size
    print(
        f"model: {model.name}, {model.count_params():,} parameters, input {size}, "
        f"{model.config.classes} classes\n"
        f"data: {dataset.name}, {parts[0]:,} {dataset.kind} to train, {parts[1]:,} to validate, "
        f"{parts[2]:,} to test\n"
        f"training: {recipe.total_epochs} epochs of {steps} steps of {recipe.batch_size}, "
        f"{recipe.precision}, {keras.backend.backend()}"
        + (f", resumed after epoch {done}" if done else "")
        + f"\ndirectory: {directory}",
        flush=True,
    )


def report_left_out(samples: int, recipe: Recipe, devices: int) -> None:
    """Logs a notice if many samples are left out of each epoch, with a batch size that helps.

    All steps have one shape, so that the incomplete last batch is dropped. The order
    changes with every epoch, and with it the samples that are left out.
    """
    size = recipe.batch_size
    left = samples % size
    if left <= MOST_LEFT_OUT * samples:
        return
    step = 2 * devices if devices > 1 else 2 if recipe.augmentation.mixes else 1
    sizes = range(size - size % step, size // 2, -step)
    better = min(sizes, key=lambda each: samples % each, default=size)
    advice = ""
    if samples % better < left:
        advice = f" A batch size of {better} would leave out {samples % better}."
    logger.info(
        "Each epoch leaves out %d of %d training samples, others each time, because the last "
        "batch of %d would be incomplete.%s",
        left,
        samples,
        size,
        advice,
    )


class Progress(keras.callbacks.Callback):
    """Shows a bar if the output is a terminal, and otherwise a line every 30 seconds.

    The first line appears as soon as the time left can be estimated.

    Args:
        epochs: all epochs of the run.
        steps: of an epoch.
        done: finished epochs.
    """

    def __init__(self, epochs: int, steps: int, done: int):
        super().__init__()
        self.async_safe = True  # as in `StopAtNaN`: training steps do not wait
        self.epochs, self.steps = epochs, steps
        self.epoch = done
        self.finished = done * steps
        self.settled: tuple[int, float] | None = None  # (steps, time) when steps became typical
        self.figures, self.estimated = "", False
        self.shown = time.monotonic()
        self.bar = _bar(epochs * steps, self.finished) if sys.stdout.isatty() else None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch
        if self.bar:
            self._update(description=f"epoch {epoch + 1} of {self.epochs}")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # The calls may end in another order than the steps.
        self.finished = max(self.finished, self.epoch * self.steps + batch + 1)
        if self.settled is None and batch + 1 >= min(SETTLED, self.steps):
            self.settled = self.finished, time.monotonic()
        if self.bar:
            self._update(completed=self.finished)
        elif (self._is_due() or self._has_estimate()) and batch + 1 < self.steps:
            self._print(f", step {batch + 1} of {self.steps}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        names = {"loss": "loss {:.3f}", "accuracy": "accuracy {:.1%}"}
        names["val_accuracy"] = "validation {:.1%}"
        shown = [text.format(float(logs[name])) for name, text in names.items() if name in logs]
        self.figures = ", ".join(shown)
        if self.bar:
            self._update(figures=self.figures)
        elif self._is_due() or epoch + 1 == self.epochs:
            self._print()

    def close(self) -> None:
        """Ends the bar; the output belongs to the program again."""
        if self.bar:
            self.bar.stop()

    def _update(self, **fields):
        self.bar.update(self.bar.task_ids[0], **fields)

    def _has_estimate(self):
        """Whether the time left is known, and has not been shown yet."""
        settled = self.settled is not None and self.finished >= self.settled[0] + SETTLED
        return settled and not self.estimated

    def _is_due(self):
        return time.monotonic() - self.shown >= SECONDS

    def _print(self, step=""):
        self.shown = time.monotonic()
        left = self._left()
        self.estimated = self.estimated or left != ""
        parts = [f"epoch {self.epoch + 1} of {self.epochs}{step}", self.figures, left]
        print("; ".join(part for part in parts if part), flush=True)

    def _left(self):
        """The time until the last step, from the time of the settled steps."""
        left = self.epochs * self.steps - self.finished
        if not left or self.settled is None or self.settled[0] == self.finished:
            return ""
        steps, since = self.settled
        seconds = left * (time.monotonic() - since) / (self.finished - steps)
        return f"about {duration(seconds)} left"


def duration(seconds: float) -> str:
    """A duration as "40 s", "12 min" or "3 h 20 min"."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _bar(total, completed):
    """A started bar of rich, which Keras depends on."""
    from rich import progress

    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[figures]}"),
    )
    bar.add_task("epoch", total=total, completed=completed, figures="")
    bar.start()
    return bar
