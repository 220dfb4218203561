"""Samples and weights for an export: real inputs, seeded noise, and vectors off their start."""

from typing import Any

import keras
import numpy as np

from cctzoo.models import CCT, SoftCommittee
from cctzoo.typing import Array


def as_inputs(model: CCT | SoftCommittee, values: Any, argument: str) -> Array:
    """Returns values as the model's input: float32 images, or int32 token ids.

    Shapes are not checked.

    Args:
        model: the model that takes the input.
        values: images, or ids (n, length); n texts if the model has a vocabulary.
        argument: the name of the argument that holds the values, for the error.

    Raises:
        ValueError: if a text model cannot take the values.
    """
    if model.config.kind == "images":
        return np.asarray(values, dtype="float32")
    values = np.asarray(values)
    if values.dtype.kind in "OU" and values.ndim == 1:
        return model.vocabulary(values)
    size = _first_config(model).vocabulary_size
    integers = values.dtype.kind in "iu"
    if not integers or (values.size and not 0 <= values.min() <= values.max() < size):
        received = f"from {values.min()} to {values.max()}" if integers else str(values.dtype)
        raise ValueError(
            f"`{argument}` of a text model must be texts, or integer ids from 0 to "
            f"vocabulary_size - 1 = {size - 1}. Received: {received}"
        )
    return values.astype("int32")


def noise(model: CCT | SoftCommittee, count: int) -> Array:
    """Returns seeded random inputs: pixels, or token ids.

    Texts have all lengths: the first text has full length, the last one is empty.
    """
    generator = np.random.default_rng(0)
    shape = (count, *model.input_shape[1:])
    if model.config.kind == "images":
        largest = 255 if model.config.include_preprocessing else 1
        return generator.uniform(0, largest, shape).astype("float32")
    config = _first_config(model)
    ids = generator.integers(0, config.vocabulary_size, shape, "int32")
    if config.padding_id is not None:
        lengths = np.linspace(config.length, 0, count).astype(int)
        ids[np.arange(config.length) >= lengths[:, None]] = config.padding_id
    return ids


def randomise_vectors(model: keras.Model) -> None:
    """Moves scales, shifts and biases off their initial ones and zeros.

    Converters drop a multiplication by ones and an addition of zeros: an untrained model would
    be timed without operators that it has after training.
    """
    generator = np.random.default_rng(0)
    for weight in model.weights:
        if len(weight.shape) == 1 and keras.backend.is_float_dtype(weight.dtype):
            offsets = 0.1 * generator.standard_normal(weight.shape)
            weight.assign(keras.ops.convert_to_numpy(weight) + offsets)


def _first_config(model):
    """The model's config, or its first member's: the members of a committee share their input."""
    return getattr(model.config, "members", [model.config])[0]
