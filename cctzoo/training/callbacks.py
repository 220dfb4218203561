"""What happens at the end of a step and of an epoch."""

import contextlib
import csv
import io
import math
import time

import keras
import numpy as np

from cctzoo.formats.atomic import atomic_file, write_text
from cctzoo.training import checkpoint


class TrainingDiverged(RuntimeError):
    """The loss was no longer a finite number; the message names the step."""


class StopAtNaN(keras.callbacks.Callback):
    """Stops at the first step whose loss is not finite, and remembers it as `step`."""

    def __init__(self):
        super().__init__()
        self.async_safe = True  # Keras then reads the loss in a thread, and steps do not wait
        self.step = None

    def on_train_batch_end(self, batch, logs=None):
        if self.step is None and not math.isfinite(float(logs["loss"])):
            self.step = batch
            self.model.stop_training = True


class RunRecorder(keras.callbacks.Callback):
    """Validates after each epoch, and writes what a run needs to go on after a kill.

    In this order: `best.keras` if the validation accuracy is the highest so far,
    `checkpoint.npz`, `history.csv`, TensorBoard's events. An epoch of which only the first
    was written is repeated, and gives the same.

    Args:
        directory: of the run.
        model: whose weights are kept, without augmentation.
        validate: function of no arguments that gives a dict of figures, with
            `val_accuracy`; `None` where nothing is held out.
        history: rows of the epochs before these.
        best: highest validation accuracy of these.
        tensorboard: whether to write events.
    """

    def __init__(self, directory, model, validate, history=(), best=None, tensorboard=False):
        super().__init__()
        self.directory, self.inner, self.validate = directory, model, validate
        self.history, self.best = list(history), best
        self.writer = _event_writer(directory) if tensorboard else None

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(logs["loss"]):
            return
        optimizer = self.model.optimizer
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        logs["seconds"] = time.perf_counter() - self.start
        if self.validate:
            with averaged_weights(self.model):
                logs.update(self.validate())
                if self.best is None or logs["val_accuracy"] > self.best:
                    self.best = logs["val_accuracy"]
                    with atomic_file(self.directory / "best.keras") as draft:
                        self.inner.save(draft)
        row = {"epoch": epoch + 1} | {name: float(value) for name, value in logs.items()}
        self.history.append(row)
        path = self.directory / "checkpoint.npz"
        checkpoint.save(path, self.inner, optimizer, self.history, self.best)
        write_history(self.history, self.directory / "history.csv")
        if self.writer:
            for name, value in logs.items():
                self.writer.add_scalar(name, float(value), epoch + 1)
            self.writer.flush()


@contextlib.contextmanager
def averaged_weights(model):
    """Within the block the model has its moving averages as weights, if it has any."""
    if not model.optimizer.use_ema:
        yield
        return
    variables = model.trainable_variables
    weights = _copies(variables)
    model.optimizer.finalize_variable_values(variables)
    # JAX: the optimizer's averages must not share arrays with the model, which donates them.
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


def write_history(rows, path):
    """Writes a CSV of one row per epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _event_writer(directory):
    """TensorBoard's own writer: Keras' callback needs TensorFlow."""
    try:
        from tensorboard.summary import Writer
    except ImportError as error:
        raise ImportError("TensorBoard events need `pip install tensorboard`") from error
    return Writer(str(directory / "tensorboard"))
