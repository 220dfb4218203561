"""Batches of samples in order, and the mask of their tokens."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from cctzoo.arguments import check_batch_size
from cctzoo.data import take
from cctzoo.data.samples import Samples, check_sample_shape
from cctzoo.models import CCT, feature_extractor, feature_names
from cctzoo.training.devices import share_batch, shared_size
from cctzoo.typing import Array


def sample_batches(
    x: Samples, batch_size: int, shape: tuple[int, ...]
) -> Iterator[tuple[Array, int]]:
    """Yields (samples, count) in order; the first `count` samples of a batch are new.

    Raises ValueError unless `shape` is the shape of one sample.

    All batches have the same size, so that a compiled model sees a single shape, and one that
    the devices in use share equally: the last batch is filled up with samples from the start.
    """
    check_batch_size(batch_size)
    check_sample_shape(x, shape, "samples")
    size = shared_size(min(batch_size, len(x)))
    for start in range(0, len(x), size):
        indices = np.arange(start, start + size) % len(x)
        yield take(x, indices), min(size, len(x) - start)


def predict_batch(model: keras.Model, inputs: Any) -> Any:
    """Returns the outputs for a batch of `sample_batches`, computed by all devices in use.

    Args:
        model: a model without a check of its inputs, for example a feature extractor.
        inputs: one input (B, ...), or a list of them.
    """
    return model.predict_on_batch(share_batch(inputs))


def token_masks(model: CCT) -> Callable[[Array], Array]:
    """Returns a function from a batch to a Boolean array (B, T), False where a token is padding."""
    if "mask" not in feature_names(model):
        return lambda batch: np.ones((len(batch), model.config.tokens), bool)
    extractor = feature_extractor(model, ["mask"])
    return lambda batch: predict_batch(extractor, batch)["mask"]
