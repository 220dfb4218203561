"""The training loop: Keras' `fit`, stopped by a loss that is not finite or by a signal."""

import contextlib
import math
import signal
import threading
from collections.abc import Iterator, Sequence

import keras

from cctzoo.training.callbacks import RunRecorder
from cctzoo.training.progress import Progress


class TrainingDiverged(RuntimeError):
    """The loss is not finite; the message names the step."""


class StopAtNaN(keras.callbacks.Callback):
    """Stops training at a loss that is not finite; `step` is the first step that had one."""

    def __init__(self):
        super().__init__()
        # Not documented by Keras: `fit` then calls this callback in threads, so that training
        # steps do not wait for the loss. The calls can end in another order than the steps.
        self.async_safe = True
        self._diverged = []

    @property
    def step(self) -> int | None:
        """The first step of the epoch with a loss that is not finite, counted from 0."""
        return min(self._diverged, default=None)

    def set_model(self, model):
        super().set_model(model)
        # `self.model` would write the state back into the model, while the next step uses it.
        self.trained = model

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(float(logs["loss"])):
            self._diverged.append(batch)
            self.trained.stop_training = True


def fit(
    model: keras.Model,
    batches: keras.utils.PyDataset,
    epochs: int,
    recorder: RunRecorder,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Trains from the recorder's last epoch to the last of `epochs`.

    Raises:
        TrainingDiverged: at the first step with a loss that is not finite.
    """
    guard = StopAtNaN()
    done = len(recorder.history)
    if done == epochs:
        # Keras does this at the end of `fit`: the moving averages become the weights.
        model.optimizer.finalize_variable_values(model.trainable_variables)
        return
    progress = Progress(epochs, len(batches), done)
    with sigterm_like_interrupt(), contextlib.closing(progress):
        model.fit(
            batches,
            initial_epoch=done,
            epochs=epochs,
            shuffle=False,  # the batches are shuffled already
            # The recorder adds figures to Keras' logs: callbacks after it see them too.
            callbacks=[guard, recorder, progress, *callbacks],
            verbose=0,
        )
    if guard.step is not None:
        raise TrainingDiverged(
            f"The loss is not finite at step {guard.step + 1} of epoch "
            f"{len(recorder.history) + 1}. {recorder.directory} holds the epochs before it. Try "
            "a lower learning_rate, more warmup_epochs, clip_norm=1 or precision='float32'."
        )


@contextlib.contextmanager
def sigterm_like_interrupt() -> Iterator[None]:
    """Within the block, SIGTERM raises KeyboardInterrupt, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set signal handlers
        return

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
