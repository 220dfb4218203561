"""Several processes that train or evaluate one model, each on its part of the samples."""

import contextlib
import dataclasses
import functools
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from cctzoo.messages import received
from cctzoo.typing import Array

# Variables that a launcher sets for each process: number of processes, rank of this one.
LAUNCHED = {
    "torch": ("WORLD_SIZE", "RANK"),  # torchrun
    "jax": ("KERAS_DISTRIBUTION_NUM_PROCESSES", "KERAS_DISTRIBUTION_PROCESS_ID"),
}


@dataclasses.dataclass(frozen=True)
class Processes:
    """The processes that compute together, and the place of this one.

    Args:
        count: number of processes.
        rank: number of this process, from 0 to `count` - 1. Process 0 writes the files.
    """

    count: int = 1
    rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def for_samples(self, samples: int) -> "Processes":
        """Returns these processes, or this one alone if not every process would get a sample."""
        return self if samples >= self.count else ALONE

    def part(self, samples: int) -> slice:
        """This process' part of `samples`; earlier processes have one more if they differ."""
        size, more = divmod(samples, self.count)
        start = self.rank * size + min(self.rank, more)
        return slice(start, start + size + (self.rank < more))

    def gather(self, array: Array) -> Array:
        """Returns the arrays of all processes, which have equal shapes, stacked by rank."""
        array = np.asarray(array)
        return array[None] if self.count == 1 else _gather(array)

    def join(self, array: Array, samples: int) -> Array:
        """Returns the results for all samples, from each process' results for its `part`."""
        if self.count == 1:
            return array
        longest = -(-samples // self.count)
        padded = np.zeros((longest, *array.shape[1:]), array.dtype)
        padded[: len(array)] = array
        parts = [Processes(self.count, rank).part(samples) for rank in range(self.count)]
        found = zip(self.gather(padded), parts, strict=True)
        return np.concatenate([each[: part.stop - part.start] for each, part in found])

    def divide(
        self, names: Sequence[str], compute: Callable[[list[str]], dict[str, Array]]
    ) -> dict[str, Array]:
        """Returns the arrays of all names, of which each process computes some.

        Args:
            names: what there is to compute, for example names of features.
            compute: a function from some of the names to named arrays.
        """
        own = list(names[self.rank :: self.count])
        found = compute(own) if own else {}
        if self.count == 1:
            return found
        file = io.BytesIO()
        np.savez(file, **found)
        found = {}
        for each in self._gather_bytes(file.getvalue()):
            with np.load(io.BytesIO(each), allow_pickle=False) as arrays:
                found |= dict(arrays)
        return found

    def mean(self, figures: dict[str, float]) -> dict[str, float]:
        """Returns the mean of each figure over the processes."""
        means = self.gather(np.array(list(figures.values()), "float64")).mean(axis=0)
        return dict(zip(figures, means.tolist(), strict=True))

    def from_first(self, value: Any) -> Any:
        """Returns the value, which JSON can hold, that process 0 has given."""
        if self.count == 1:
            return value
        return json.loads(self._gather_bytes(json.dumps(value).encode())[0])

    @contextlib.contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        """Process 0 executes the block first, e.g. to download a file; then the others do.

        They do so even if it fails, so that all end with the same error.
        """
        if not self.first:
            self.gather(np.zeros(()))
        try:
            yield
        finally:
            if self.first:
                self.gather(np.zeros(()))

    def _gather_bytes(self, own: bytes) -> list[bytes]:
        sizes = self.gather(np.array(len(own)))
        padded = np.zeros(sizes.max(), "uint8")
        padded[: len(own)] = np.frombuffer(own, "uint8")
        return [
            each[:size].tobytes() for each, size in zip(self.gather(padded), sizes, strict=True)
        ]


ALONE = Processes()


@functools.cache
def join_processes() -> Processes:
    """Joins the processes that a launcher has started together with this one.

    PyTorch: `torchrun` sets the variables. JAX: `KERAS_DISTRIBUTION_JOB_ADDRESSES`,
    `KERAS_DISTRIBUTION_NUM_PROCESSES` and `KERAS_DISTRIBUTION_PROCESS_ID`, see
    `keras.distribution.initialize`. Without them, this process is alone.

    Raises:
        ValueError: if the variables are not those of a launcher, or the backend is TensorFlow.
    """
    processes = launched_processes()
    if processes.count > 1:
        _start(keras.backend.backend())
    return processes


def launched_processes() -> Processes:
    """Returns the processes of `join_processes` without joining them."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        _check_single_worker()
    names = LAUNCHED.get(backend)
    if names is None or names[0] not in os.environ:
        return ALONE
    found = {name: os.environ.get(name, "") for name in names}
    if not all(value.isascii() and value.isdigit() for value in found.values()):
        raise ValueError(
            f"{names[0]} and {names[1]} must be integers, as a launcher of processes sets them. "
            f"{received(**found)}"
        )
    count, rank = map(int, found.values())
    if not rank < count:
        raise ValueError(f"{names[1]} must be below {names[0]}. {received(**found)}")
    return Processes(count, rank)


def check_alone(program: str) -> None:
    """Raises ValueError if this process is one of several that a launcher has started.

    Args:
        program: what runs in one process only, for the message.
    """
    processes = launched_processes()
    if processes.count > 1:
        raise ValueError(
            f"{program} runs in a single process; only `cctzoo train`, `fine-tune`, `evaluate` and "
            f"`analyse` run in several. {received(processes=processes.count)}"
        )


def _check_single_worker():
    """Raises ValueError for the variable that starts TensorFlow's MultiWorkerMirroredStrategy."""
    text = os.environ.get("TF_CONFIG", "{}")
    try:
        workers = [each for tasks in json.loads(text)["cluster"].values() for each in tasks]
    except (ValueError, KeyError, AttributeError, TypeError):
        return  # no cluster that TensorFlow would take
    if len(workers) > 1:
        raise ValueError(
            "Under TensorFlow, a single process trains, on the devices of its machine: `fit` of "
            "Keras 3 does not work with MultiWorkerMirroredStrategy (keras-team/keras#20585). "
            "Use PyTorch or JAX for several processes, or unset TF_CONFIG. "
            f"{received(TF_CONFIG=text)}"
        )


def _start(backend):
    if backend == "jax":
        keras.distribution.initialize()
        return
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def _gather(array):
    if keras.backend.backend() == "jax":
        from jax.experimental.multihost_utils import process_allgather

        # As bytes, because JAX would turn float64 into float32.
        found = np.asarray(process_allgather(np.frombuffer(array.tobytes(), "uint8")))
        return np.frombuffer(found.tobytes(), array.dtype).reshape(-1, *array.shape)
    import torch

    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    own = torch.from_numpy(array.copy(order="C")).to(device)
    found = [torch.empty_like(own) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(found, own)
    return np.stack([each.cpu().numpy() for each in found])
