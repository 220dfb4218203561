"""RunRecorder: validation and the files of a run after each epoch."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from cctzoo.formats.atomic import atomic_file
from cctzoo.messages import received
from cctzoo.training import checkpoint
from cctzoo.training.history import HISTORY, write_history
from cctzoo.training.processes import ALONE, Processes


class RunRecorder(keras.callbacks.Callback):
    """Validates after each epoch, and writes what `resume` needs after a kill.

    The files are written in this order: `best.keras` if the validation figure is the highest
    so far, `checkpoint.npz`, `history.csv`, TensorBoard events. If a kill comes between two of
    them, the epoch is repeated with the same result.

    Args:
        directory: the run directory.
        model: the model without augmentation, whose weights are saved.
        validate: function without arguments that returns a dict of figures, `val_accuracy` and
            `val_loss` among them; `None` without a validation part.
        tensorboard: whether to write TensorBoard events.
        best_by: the figure of `validate`, without `val_`, whose highest value is the best.
        processes: the processes that train together; the first one writes the files.

    Attributes:
        history: a dict of figures per finished epoch.
        best: highest validation figure so far, or `None`.
    """

    def __init__(
        self,
        directory: Path,
        model: keras.Model,
        validate: Callable[[], dict[str, float]] | None,
        tensorboard: bool = False,
        best_by: str = "accuracy",
        processes: Processes = ALONE,
    ):
        super().__init__()
        self.best_by = f"val_{best_by}"
        self.directory, self.inner, self.validate = directory, model, validate
        self.history, self.best = [], None
        self.processes = processes
        self.writer = _event_writer(directory) if tensorboard and processes.first else None

    def restore(self, optimizer: keras.Optimizer) -> None:
        """Restores model, optimizer and history from the checkpoint, if the run has one."""
        path = self.directory / "checkpoint.npz"
        if path.exists():
            self.history, self.best = checkpoint.load(path, self.inner, optimizer)
        if len(set(self.processes.gather(np.array(len(self.history))).tolist())) > 1:
            raise ValueError(
                "All processes must see the same run directory. "
                f"{received(directory=str(self.directory), rank=self.processes.rank)}, "
                f"{len(self.history)} finished epochs"
            )
        if self.history and self.processes.first:
            # A kill after the checkpoint can have left an older history.
            write_history(self.history, self.directory / HISTORY)

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs.update(self.processes.mean({name: float(value) for name, value in logs.items()}))
        if not math.isfinite(logs["loss"]):
            return
        optimizer = self.model.optimizer
        # `logs` is Keras' own dict: the progress bar and later callbacks show the new entries.
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        logs["seconds"] = time.perf_counter() - self.start
        found = {}
        if self.validate:
            with averaged_weights(self.model):
                found = self.validate()
                if self.best is None or found[self.best_by] > self.best:
                    self.best = found[self.best_by]
                    self._save_best()
            shown = ("val_accuracy", "val_loss", self.best_by)
            logs.update({name: found[name] for name in shown})
        figures = {name: float(value) for name, value in (logs | found).items()}
        self.history.append({"epoch": epoch + 1} | figures)
        if not self.processes.first:
            return
        path = self.directory / "checkpoint.npz"
        checkpoint.save(path, self.inner, optimizer, self.history, self.best)
        write_history(self.history, self.directory / HISTORY)
        if self.writer:
            for name, value in figures.items():
                self.writer.add_scalar(name, value, epoch + 1)
            self.writer.flush()

    def _save_best(self):
        if self.processes.first:
            with atomic_file(self.directory / "best.keras") as draft:
                self.inner.save(draft)


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Within the block, the moving averages are the model's weights, if it has averages."""
    if not model.optimizer.use_ema:
        yield
        return
    variables = model.trainable_variables
    weights = _copies(variables)
    model.optimizer.finalize_variable_values(variables)
    # JAX donates the model's arrays to each step: the averages must not share them.
    _assign(variables, _copies(variables))
    try:
        yield
    finally:
        _assign(variables, weights)


def _copies(variables):
    return [np.array(variable.numpy()) for variable in variables]


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _event_writer(directory):
    """Returns the event writer of TensorBoard; the callback of Keras needs TensorFlow."""
    from tensorboard.summary import Writer

    return Writer(str(directory / "tensorboard"))
