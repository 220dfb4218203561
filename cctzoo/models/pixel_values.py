"""Pixel values: image files as a model's input, and a warning where values have a wrong range."""

import contextlib
import contextvars
import functools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import keras
import numpy as np

from cctzoo.data.view import read_images
from cctzoo.typing import Array, PathLike

LOOKED_AT = 32  # images; more would cost time on large arrays and tell little
METHODS = (
    *("fit", "evaluate", "predict"),
    *("train_on_batch", "test_on_batch", "predict_on_batch"),
)
M = TypeVar("M", bound=keras.Model)
_are_checked = contextvars.ContextVar("are_checked", default=False)


def read_input(config: Any, images: PathLike | Sequence[PathLike]) -> np.ndarray:
    """Reads image files in the view of a model's config; see `CCT.read_images`.

    Args:
        config: the config of a `CCT` or a `SoftCommittee`.
        images: the path of one image file, or a sequence of paths.
    """
    view = getattr(config, "view", None)
    if view is None or not config.include_preprocessing:
        views = {getattr(member, "view", None) for member in getattr(config, "members", ())}
        raise ValueError(
            "A model reads image files if it, or every member of a committee in the same way, was "
            "trained on them and includes its preprocessing. Otherwise use `data.read_images` "
            f"with a `data.View`. Received: a model for {config.kind}, view={view!r}"
            + (f", members with {len(views)} different views" if len(views) > 1 else "")
        )
    return read_images(images, config.input_shape, view)


def wrong_range(config: Any, pixels: Array) -> str | None:
    """Returns a sentence if pixels cannot be what an image model takes, and None otherwise.

    A model that includes its preprocessing takes 0 to 255. Pixels that are all within 0 to 1, or
    that are small and partly negative, were scaled before; images that are all black may be
    right. A model without preprocessing takes normalised values, and integers up to 255 are not.

    Args:
        config: the config of a `CCT` or a `SoftCommittee` for images.
        pixels: images of any shape.
    """
    if not pixels.size:
        return None
    low, high = float(pixels.min()), float(pixels.max())
    received = f"Received: values from {low:.3g} to {high:.3g}"
    if config.include_preprocessing:
        scaled = low >= 0 and 0 < high <= 1
        normalised = -10 < low < 0 and high < 10
        if scaled or normalised:
            return (
                "The model includes its preprocessing and takes pixels from 0 to 255, which must "
                f"not be scaled or normalised before. {received}"
            )
    elif high > max(20, 4 * np.max((1 - np.array(config.mean)) / np.array(config.std))):
        return (
            "The model does not include its preprocessing and takes normalised pixels, "
            f"(value / 255 - mean) / std. {received}"
        )
    return None


def warn_of_wrong_range(config: Any, pixels: Any, stacklevel: int = 2) -> bool:
    """Warns if the first images cannot be what a model takes; see `wrong_range`.

    Args:
        config: the config of the model; nothing is checked for text models.
        pixels: arrays or tensors of images, or what else Keras takes: a data set or a generator
            is not looked at.
        stacklevel: as in `warnings.warn`.

    Returns:
        Whether there was a warning.
    """
    if config.kind != "images":
        return False
    first = _first_images(pixels)
    message = None if first is None else wrong_range(config, first)
    if message:
        warnings.warn(message, stacklevel=stacklevel + 1)
    return message is not None


def _first_images(pixels):
    """The first images as an array; None if `pixels` are not an array or tensor of images."""
    if isinstance(pixels, Mapping):
        pixels = list(pixels.values())
    if isinstance(pixels, list | tuple) and len(pixels) == 1:
        (pixels,) = pixels  # Keras takes the only input in a list or a dict, too
    if isinstance(pixels, np.ndarray):
        numbers = pixels.dtype.kind in "biuf"
    else:
        numbers = keras.ops.is_tensor(pixels) and "string" not in str(pixels.dtype)
    if not numbers or len(pixels.shape) != 4:
        return None
    return keras.ops.convert_to_numpy(pixels[:LOOKED_AT])


@contextlib.contextmanager
def pixels_are_checked() -> Iterator[None]:
    """Within the block, the methods of models do not check pixels: their caller did."""
    token = _are_checked.set(True)
    try:
        yield
    finally:
        _are_checked.reset(token)


def checks_pixels(model_class: type[M]) -> type[M]:
    """Decorates a model class so that its `METHODS` warn of pixels in a wrong range."""
    for name in METHODS:
        setattr(model_class, name, _checked(getattr(keras.Model, name)))
    return model_class


def _checked(method):
    @functools.wraps(method)
    def checked(self, x=None, *arguments, **options):
        if _are_checked.get():  # within `fit`, Keras calls `evaluate`
            return method(self, x, *arguments, **options)
        validation = options.get("validation_data")  # of `fit`
        parts = [x, *validation[:1]] if isinstance(validation, list | tuple) else [x]
        for part in parts:
            if warn_of_wrong_range(self.config, part):
                break
        with pixels_are_checked():
            return method(self, x, *arguments, **options)

    return checked
