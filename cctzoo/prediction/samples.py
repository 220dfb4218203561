"""What a user wants to be classified, as batches of a model's input."""

import functools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.data import View
from cctzoo.data.image_files import MODES, mode_of
from cctzoo.data.sources.folder_layout import find_images
from cctzoo.messages import received, shown
from cctzoo.models.pixel_values import warn_of_wrong_range
from cctzoo.models.vocabulary import vocabulary_of
from cctzoo.typing import Array

URL = ("http://", "https://", "ftp://", "file://", "s3://", "gs://")


def batches(
    config: Any, samples: Any, size: int, unread: list[str] | None, resize: bool
) -> Iterator[tuple[list[str | None], Array]]:
    """(source of each sample, samples as the model's input), at most `size` at a time.

    The source is the path of an image file, or the text; None for pixels and ids.

    Args:
        config, samples, resize: as in `predict`, with the config of the model.
        size: samples of a batch.
        unread: takes a line for each image file that cannot be read. If None, the first one
            raises its error.
    """
    view = getattr(config, "view", None) or (View() if resize else None)
    items = _text_items(config, samples) if config.kind == "texts" else _image_items(samples)
    read = _read_texts if config.kind == "texts" else functools.partial(_read_images, view)
    for start in range(0, len(items), size):
        sources, inputs = read(config, items[start : start + size], unread)
        if sources:
            yield sources, inputs


def _text_items(config, samples):
    """A list of texts, or an array of ids (n, length)."""
    if isinstance(samples, str):
        return [samples]
    if isinstance(samples, Sequence) and all(isinstance(each, str) for each in samples):
        return list(samples)
    ids = np.asarray(samples)
    if ids.dtype.kind in "OU" and ids.ndim == 1:
        return [str(text) for text in ids]
    ids = ids[None] if ids.ndim == 1 else ids
    if ids.dtype.kind not in "iu" or ids.shape[1:] != config.input_shape:
        raise ValueError(
            f"A text model takes texts, or integer ids of shape (n, {config.input_shape[0]}). "
            f"Received: samples of {ids.dtype}, shape {ids.shape}"
        )
    return ids


def _read_texts(config, items, unread):
    if isinstance(items, np.ndarray):
        return [None] * len(items), items.astype("int32")
    return items, vocabulary_of(config)(items)


def _image_items(samples):
    """A list of paths, PIL images and arrays (height, width, channels)."""
    if isinstance(samples, str | os.PathLike):
        return _paths(samples)
    if isinstance(samples, np.ndarray) and samples.ndim == 4:
        return list(samples)
    if isinstance(samples, np.ndarray) or not isinstance(samples, Sequence):
        return [samples]
    return [item for each in samples for item in _image_items(each)]


def _paths(name):
    text = os.fspath(name)
    if text.lower().startswith(URL):
        raise ValueError(
            f"Images must be files of this machine: download them first. {received(samples=text)}"
        )
    path = Path(text)
    if path.is_dir():
        if paths := find_images(path):
            return paths
        raise ValueError(f"A folder must hold images. {received(samples=text)}")
    if not path.is_file():
        raise ValueError(f"Images must be existing files or folders. {received(samples=text)}")
    return [text]


def _read_images(view, config, items, unread):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        read = list(pool.map(functools.partial(_attempt, view, config), items))
    sources, inputs = [], []
    for item, found in zip(items, read, strict=True):
        is_path = isinstance(item, str | os.PathLike)
        if isinstance(found, Exception):
            if unread is None or not is_path:
                raise found
            unread.append(f"{item}: {found}")
        else:
            sources.append(os.fspath(item) if is_path else None)
            inputs.append(found)
    arrays = [pixels for item, pixels in zip(items, read, strict=True) if _is_array(item)]
    if arrays:
        warn_of_wrong_range(config, np.stack(arrays), stacklevel=6)  # names the line of `predict`
    return sources, np.stack(inputs).astype("float32") if inputs else None


def _attempt(view, config, item):
    """One image as the model's input, or the error of reading it."""
    try:
        if _is_array(item):
            return _checked(config, np.asarray(item))
        return _pixels(view, config, item)
    except (ValueError, OSError) as error:
        return error


def _is_array(item):
    return not isinstance(item, str | os.PathLike) and not hasattr(item, "convert")


def _checked(config, pixels):
    if pixels.shape != config.input_shape or pixels.dtype.kind not in "biuf":
        raise ValueError(
            "An array must be an image of the size that the model takes, "
            f"{config.input_shape}. Received: {pixels.dtype}, shape {pixels.shape}"
        )
    return pixels


def _pixels(view, config, item):
    """An image file, or a PIL image, as the model's input."""
    height, width, channels = config.input_shape
    if channels not in MODES.values():
        raise ValueError(
            "A model for image files must have 1 or 3 channels; give arrays. "
            f"Received: {shown(str(item))} for a model of {channels} channels"
        )
    reader, mode = view or View(), mode_of(channels)
    if hasattr(item, "convert"):
        image = reader.prepare(item, mode, str(item))
    else:
        image = reader.open(Path(item).read_bytes(), mode, str(item))
    if view is not None:
        image = view.crop(image, height, width)
    elif image.size != (width, height):
        raise ValueError(
            "The model was trained on arrays of one size: give images of "
            f"{width}x{height} pixels, or resize them (`resize=True`, --resize). "
            f"Received: {shown(str(item))} with {image.width}x{image.height} pixels"
        )
    pixels = np.asarray(image).reshape(height, width, channels)
    if config.include_preprocessing:
        return pixels
    return (pixels / 255 - np.asarray(config.mean)) / np.asarray(config.std)
