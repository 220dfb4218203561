"""Samples and weights for an export: real inputs, seeded noise, and vectors off their start."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from cctzoo.data import EncodedImages, take
from cctzoo.data.image_files import mode_of
from cctzoo.export.custom import Exportable
from cctzoo.typing import Array


def as_inputs(model: Exportable, values: Any, argument: str) -> Array:
    """Returns values as the model's input: float32 images, or int32 token ids.

    Shapes are not checked.

    Args:
        model: the model that takes the input.
        values: images, `data.EncodedImages`, or paths of image files if the model has a view;
            ids (n, length), or n texts if the model has a vocabulary.
        argument: the name of the argument that holds the values, for the error.

    Raises:
        ValueError: if the model cannot take the values.
    """
    if model.config.kind != "texts":
        return _as_images(model, values, argument).astype("float32")
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


def _as_images(model, values, argument):
    if isinstance(values, EncodedImages):
        return take(in_view(model, values), slice(None))
    if isinstance(values, str | os.PathLike):
        raise ValueError(
            f"`{argument}` must be images, `data.EncodedImages` or a sequence of paths of image "
            f"files. Received: {argument}={str(values)!r}"
        )
    if is_paths(values):
        return model.read_images(list(values))
    return np.asarray(values)


def is_paths(values: Any) -> bool:
    """Whether values are a sequence of strings or paths rather than numbers."""
    return (
        isinstance(values, Sequence | np.ndarray)
        and len(values) > 0
        and all(isinstance(value, str | os.PathLike) for value in values)
    )


def in_view(model: Exportable, images: EncodedImages) -> EncodedImages:
    """Returns the images in the size, colours and view of a model; as they are if it has none."""
    if model.config.view is None:
        return images
    height, width, channels = model.config.input_shape
    size, mode = (height, width), mode_of(channels)
    return dataclasses.replace(images, image_size=size, mode=mode, view=model.config.view)


def noise(model: Exportable, count: int) -> Array:
    """Returns seeded random inputs: pixels, or token ids.

    Texts have all lengths: the first text has full length, the last one is empty.
    """
    generator = np.random.default_rng(0)
    shape = (count, *model.input_shape[1:])
    if model.config.kind != "texts":
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
