"""The training loop: Keras' `fit`, stopped by a loss that is not finite or by a signal."""

import contextlib
import math
import os
import signal
import threading
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from cctzoo.data import EncodedImages
from cctzoo.messages import received
from cctzoo.training.callbacks import RunRecorder
from cctzoo.training.processes import ALONE, Processes
from cctzoo.training.progress import Progress
from cctzoo.typing import Array


class TrainingDiverged(RuntimeError):
    """The loss is not finite; the message names the step."""


class StopAtNaN(keras.callbacks.Callback):
    """Stops training at a loss that is not finite; `step` is the first step that had one."""

    def __init__(self, processes: Processes = ALONE):
        super().__init__()
        # Not documented by Keras: `fit` then calls this callback in threads, so that training
        # steps do not wait for the loss. The calls can end in another order than the steps.
        self.async_safe = processes.count == 1
        self.processes = processes
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
        finite = math.isfinite(float(logs["loss"]))
        # Processes that stop at different steps would wait for each other.
        if not self.processes.gather(np.array(finite)).all():
            self._diverged.append(batch)
            self.trained.stop_training = True


class SeedEpoch(keras.callbacks.Callback):
    """Seeds the random numbers of an epoch, so that a resumed run draws the same ones.

    Keras' dropout under PyTorch draws from PyTorch's global generator, whose state no checkpoint
    holds. On the other backends, the state of all random numbers is in variables of the model.

    Args:
        seed: the seed of the run.
    """

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        if keras.backend.backend() == "torch":
            import torch

            torch.manual_seed(np.random.SeedSequence([self.seed, epoch]).generate_state(1).item())


def fit(
    model: keras.Model,
    batches: keras.utils.PyDataset,
    epochs: int,
    recorder: RunRecorder,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    processes: Processes = ALONE,
) -> None:
    """Trains from the recorder's last epoch to the last of `epochs`.

    Raises:
        TrainingDiverged: at the first step with a loss that is not finite.
    """
    guard = StopAtNaN(processes)
    done = len(recorder.history)
    if done == epochs:
        # Keras does this at the end of `fit`: the moving averages become the weights.
        model.optimizer.finalize_variable_values(model.trainable_variables)
        return
    with contextlib.ExitStack() as stack:
        stack.enter_context(sigterm_like_interrupt())
        if processes.first:
            progress = Progress(epochs, len(batches), done)
            callbacks = [stack.enter_context(contextlib.closing(progress)), *callbacks]
        model.fit(
            batches,
            initial_epoch=done,
            epochs=epochs,
            shuffle=False,  # the batches are shuffled already
            # The recorder adds figures to Keras' logs: callbacks after it see them too.
            callbacks=[SeedEpoch(batches.seed), guard, recorder, *callbacks],
            verbose=0,
        )
    if guard.step is not None:
        raise TrainingDiverged(
            f"The loss is not finite at step {guard.step + 1} of epoch "
            f"{len(recorder.history) + 1}. {recorder.directory} holds the epochs before it. Try "
            "a lower learning_rate, more warmup_epochs, clip_norm=1 or precision='float32'."
        )


def decoding_workers(
    x: Array | EncodedImages, devices: int, workers: int | None, processes: bool
) -> int:
    """Returns how many workers prepare batches; 1 is the training thread itself.

    Args:
        x: the samples.
        devices: that share each batch.
        workers: as in `train`.
        processes: whether the workers are processes.

    Raises:
        ValueError: if `workers` is below 1, or there is nothing that processes could decode.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"`workers` must be at least 1. {received(workers=workers)}")
    if isinstance(x, np.ndarray):
        count = 1  # to draw a batch takes less time than to hand it over to another thread
    elif devices > 1 and keras.backend.backend() == "tensorflow":
        count = 1  # Keras' queue silently gives MirroredStrategy other batches
    else:
        return workers or os.cpu_count() or 1
    if processes:
        raise ValueError(
            "`worker_processes` is for images that are decoded while a model is trained, and for "
            "one device under TensorFlow. Received: worker_processes=True, "
            f"devices={devices}, samples in {type(x).__name__}"
        )
    return count


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
