"""Reads every image of a data set once, and checks that they are a data set."""

import hashlib
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from cctzoo.data.image_files import MODES, decode, is_convertible, is_deep, orientation
from cctzoo.data.sources.folder_layout import few
from cctzoo.data.view import View

# Pillow's modes without colours. A palette (P) may have some.
GREY_MODES = {"1", "L", "LA", "La"}


class ReadImage(NamedTuple):
    """What reading one image has found.

    Args:
        mode: Pillow's mode.
        width, height: in pixels.
        sha256: of the encoded image.
        dark: whether all pixels are 0 or 1; found only until an image is not.
        upright: False if the EXIF orientation cannot be read.
    """

    mode: str
    width: int
    height: int
    sha256: bytes
    dark: bool
    upright: bool


def read_images(
    names: Sequence[str], read: Callable[[str], bytes]
) -> dict[str, ReadImage | ValueError]:
    """Decodes images in threads.

    Args:
        names: of the images.
        read: returns the encoded image of a name, or raises ValueError or OSError.

    Returns:
        {name: what was found, or the ValueError of reading or decoding}.
    """
    bright = []  # the first image with pixels above 1 ends the search for them

    def read_one(name):
        try:
            content = read(name)
            with decode(content, name, quick=True) as image:
                dark = not bright and image.mode in MODES and np.max(image.getextrema()) <= 1
                if not dark:
                    bright[:] = [True]
                sha256 = hashlib.sha256(content).digest()
                upright = orientation(image) is not None
                return ReadImage(image.mode, *image.size, sha256, dark, upright)
        except ValueError as error:
            return error
        except OSError as error:
            return ValueError(f"An image must be readable. Received: {name} ({error.strerror})")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(names, pool.map(read_one, names), strict=True))


def check_images(
    found: Mapping[str, ReadImage | ValueError],
    size: tuple[int, int],
    color_mode: str | None,
    skip_unreadable: bool,
) -> tuple[dict[str, ReadImage], str]:
    """Checks that images can be used together; warns of what the user should know.

    Args:
        found: what `read_images` returned.
        size: (height, width) to which the images will be resized.
        color_mode, skip_unreadable: as in `data.load`.

    Returns:
        (the images that are used, Pillow's mode to which they are converted).

    Raises:
        ValueError: if images cannot be read, resized, or converted to one mode.
    """
    found = _check_sizes(dict(found), size)
    broken = [error for error in found.values() if isinstance(error, ValueError)]
    if broken and skip_unreadable:
        warnings.warn(
            f"{len(broken)} of {len(found)} images cannot be read and are skipped", stacklevel=6
        )
    elif broken:
        raise ValueError(
            "Every image must be readable, unless `skip_unreadable=True` is given. "
            f"Received: {len(broken)} of {len(found)} images are unreadable: "
            f"{few([str(error).partition('Received: ')[2] for error in broken])}"
        )
    images = {name: image for name, image in found.items() if isinstance(image, ReadImage)}
    mode = _common_mode({name: image.mode for name, image in images.items()}, color_mode)
    if all(image.dark for image in images.values()):
        warnings.warn(
            "The pixels of all images are 0 or 1, which is black; 0 to 255 are expected",
            stacklevel=6,
        )
    if turned := [name for name, image in images.items() if not image.upright]:
        warnings.warn(
            f"The EXIF orientation of {len(turned)} of {len(images)} images cannot be read; they "
            f"are used as they are stored: {few(turned)}",
            stacklevel=6,
        )
    return images, mode


def check_evaluable(place: Any, classes: Sequence[str], y: np.ndarray) -> None:
    """Refuses a part without images; warns of classes without any.

    Args:
        place: the part, for messages: a folder, or words.
        classes: names of all classes.
        y: (n,) labels of the part.
    """
    if not len(y):
        raise ValueError(f"A part must hold readable images. Received: none in {place}")
    counts = np.bincount(y, minlength=len(classes))
    if empty := [classes[i] for i in np.flatnonzero(counts == 0)]:
        warnings.warn(
            f"{len(empty)} of {len(classes)} classes have no images in {place} and are not "
            f"evaluated there: {few(empty)}",
            stacklevel=6,
        )


def _check_sizes(found, size):
    """Puts a ValueError in the place of each image that cannot be resized."""
    view, narrow = View(), {}
    for image_size in {
        (image.width, image.height) for image in found.values() if isinstance(image, ReadImage)
    }:
        try:
            view.resized(image_size, *size)
        except ValueError as error:
            narrow[image_size] = error
    if narrow:
        for name, image in found.items():
            if isinstance(image, ReadImage) and (error := narrow.get((image.width, image.height))):
                rule = "An image must not be so narrow."
                found[name] = ValueError(f"{rule} Received: {name} ({error})")
    return found


def _common_mode(modes, color_mode):
    deep = [name for name, mode in modes.items() if is_deep(mode)]
    if deep:
        raise ValueError(
            "Images must have 8 bits per channel; deeper images would be clipped. "
            f"Received: {len(deep)} of {len(modes)} are deeper: {few(deep)}"
        )
    grey = set(modes.values()) <= GREY_MODES
    target = {"rgb": "RGB", "grayscale": "L", None: "L" if grey else "RGB"}[color_mode]
    if odd := [name for name, mode in modes.items() if not is_convertible(mode, target)]:
        raise ValueError(
            f"Images must have a mode that Pillow converts to {target}. Received: "
            f"{len(odd)} of {len(modes)} have not: {few(odd)} ({modes[odd[0]]})"
        )
    others = [f"{name} ({mode})" for name, mode in modes.items() if mode != target]
    if others and not color_mode:
        warnings.warn(
            f"Images are converted to {target}, without their transparency: {len(others)} of "
            f"{len(modes)}, {few(others)}. `color_mode` chooses the mode",
            stacklevel=7,
        )
    return target
