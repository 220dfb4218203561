"""What every runtime offers: a function from a batch of samples to outputs."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from cctzoo.typing import Array


class Runner(Protocol):
    """An artifact as a function of a batch of samples.

    Attributes:
        sample_shape: shape of one sample.
        dtype: dtype of the samples.
        batch: static batch size, or None.
    """

    sample_shape: list[int]
    dtype: np.dtype
    batch: int | None

    def __call__(self, samples: Array) -> Array: ...


def checked(samples: Any, sample_shape: Sequence[int], batch: int = 1) -> Array:
    """The samples as an array, if their shape fits the graph and its batch size."""
    samples = np.asarray(samples)
    if list(samples.shape[1:]) != list(sample_shape) or not len(samples) or len(samples) % batch:
        raise ValueError(
            f"Samples must be of shape (n, {', '.join(map(str, sample_shape))}), with n a "
            f"positive multiple of the graph's batch size, {batch}. "
            f"Received: samples.shape={samples.shape}"
        )
    return samples
