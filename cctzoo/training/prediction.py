"""Outputs of a model: each process computes those of its part of the samples."""

import contextlib
from collections.abc import Iterator

import keras

from cctzoo.data import EncodedImages
from cctzoo.models import CCT
from cctzoo.training import evaluation
from cctzoo.training.processes import Processes
from cctzoo.typing import Array


def predict_in_parts(
    model: keras.Model,
    x: Array | EncodedImages,
    batch_size: int,
    processes: Processes,
    mirrored: bool = False,
) -> Array:
    """Returns what `evaluation.predict` does; each process computes its part and gets all.

    Args:
        model: a model whose arrays belong to this process.
        x: the samples, at least one.
        batch_size: samples per batch of a process.
        processes: the processes, all of which call this function.
        mirrored: as in `evaluation.predict`.
    """
    processes = processes.for_samples(len(x))
    if processes.count == 1:
        return evaluation.predict(model, x, batch_size, mirrored)
    own = evaluation.predict(model, x[processes.part(len(x))], batch_size, mirrored)
    return processes.join(own, len(x))


class PartPredictor:
    """Computes the outputs of a model in training, divided among the processes.

    Args:
        model: the model that is trained.
        batch_size: samples per batch of a process.
        processes: the processes that train together.
    """

    def __init__(self, model: CCT, batch_size: int, processes: Processes):
        self.model, self.batch_size, self.processes = model, batch_size, processes
        self.copy = None  # under JAX, the arrays of the model belong to all processes
        if processes.count > 1 and keras.backend.backend() == "jax":
            with _undistributed():
                self.copy = CCT(model.config, name=model.name, dtype=model.dtype_policy)

    def __call__(self, compiled: keras.Model, x: Array | EncodedImages) -> Array:
        """Returns (n, classes) float32.

        Args:
            compiled: the model, or the training model around it, whichever is compiled.
            x: the samples, at least one.
        """
        if self.copy is not None:
            self.copy.set_weights(self.model.get_weights())
            with _undistributed():
                return predict_in_parts(self.copy, x, self.batch_size, self.processes)
        return predict_in_parts(compiled, x, self.batch_size, self.processes)


@contextlib.contextmanager
def _undistributed() -> Iterator[None]:
    """Within the block, the arrays and outputs of models belong to this process alone."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)
