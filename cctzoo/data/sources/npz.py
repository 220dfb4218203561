"""A data set in one .npz file."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from cctzoo import limits
from cctzoo.data.image_size import ImageSize, check_size
from cctzoo.data.sources.parts import PARTS, Parts, part_of
from cctzoo.formats.npz_file import open_npz
from cctzoo.formats.reading import reading
from cctzoo.messages import LONGEST, shown

NAMES = ("names",)
REQUIRED = ("train", "test")
WHAT = "a NumPy .npz archive of plain arrays, the PATH of 'npz:PATH'"


def load_npz(path: Path, image_size: ImageSize | None = None) -> Parts:
    """Loads images of one size; see `data.load`.

    Types and shapes are checked before an array is read.

    Raises:
        ValueError: if the file is not a valid archive, or its arrays are not a data set.
    """
    with open_npz(path, WHAT) as found:
        stored = _by_role(path, found)
        images = {role[1]: x for role, x in stored.items() if role[0] == "x"}
        _check_images(path, images)
        _check_labels(path, images, stored)
        check_size(images["train"], image_size)
        with reading(path, WHAT):  # an array can be larger than the memory
            labels = {part: np.asarray(stored["y", part]).reshape(-1) for part in images}
            names = np.asarray(stored[NAMES]) if NAMES in stored else None
        classes = _class_names(path, labels, names)
        parts = {}
        for part, x in images.items():
            pixels = np.asarray(x)
            parts[part] = pixels.reshape(_with_channels(x.shape)), labels[part].astype("int64")
    return Parts(*parts["train"], *parts["test"], classes, parts.get("validation"))


def _with_channels(shape):
    """The shape (n, height, width, channels) of an array of images, with channels or without."""
    return shape if len(shape) == 4 else (*shape, 1)


def _check_images(path, images):
    for part, x in images.items():
        if x.dtype != "uint8" or len(x.shape) not in (3, 4) or not x.size:
            raise ValueError(
                f"x_{part} must be uint8, from 0 to 255, of shape (n, height, width[, channels]) "
                f"and not empty. Received: x_{part} of {x.dtype}, shape {x.shape} in {path}"
            )
    shapes = {f"x_{part}": _with_channels(x.shape) for part, x in images.items()}
    if len({shape[1:] for shape in shapes.values()}) > 1:
        raise ValueError(
            f"All parts must hold images of the same shape. Received: {shapes} in {path}"
        )


def _check_labels(path, images, stored):
    for part, x in images.items():
        y, count = stored["y", part], x.shape[0]
        # NumPy counts durations, of kind "m", as integers.
        if np.dtype(y.dtype).kind not in "iu" or y.shape not in ((count,), (count, 1)):
            raise ValueError(
                f"y_{part} must hold one integer for each of the {count} images. "
                f"Received: y_{part} of {y.dtype}, shape {y.shape} in {path}"
            )


def _class_names(path, labels, names):
    """The class names, if all labels are numbers of classes."""
    most = max(int(y.max()) for y in labels.values())
    if names is not None:
        classes = _checked_names(path, names)
    elif most >= (count := len(labels["train"])):
        raise ValueError(
            "Labels must be the numbers of the classes, from 0, and there must be fewer classes "
            "than training images, unless `names` holds the names of the classes. Received: "
            f"label {most}, {count} training images in {path}"
        )
    else:
        limits.check("labels", most + 1, "The number of classes", largest_label=most)
        classes = [str(label) for label in range(most + 1)]
    for part, y in labels.items():
        if y.min() < 0 or y.max() >= len(classes):
            raise ValueError(
                f"Labels must be from 0 to {len(classes) - 1}, the number of classes less one. "
                f"Received: y_{part} from {y.min()} to {y.max()} in {path}"
            )
    return classes


def _checked_names(path, names):
    rule = "`names` must hold the names of the classes, texts or integers of one dimension"
    if names.dtype.kind not in "Uiu" or names.ndim != 1:
        raise ValueError(f"{rule}. Received: names of {names.dtype}, shape {names.shape} in {path}")
    limits.check("labels", len(names), "The number of `names`")
    classes = [str(name) for name in names]
    if odd := [name for name, count in Counter(classes).items() if count > 1 or not name.strip()]:
        raise ValueError(
            f"{rule}, each once and not empty. Received: names with {shown(odd)} in {path}"
        )
    return classes


def _by_role(path, found):
    """Returns {("x" or "y", part) or NAMES: array}."""
    roles = {key: _role(key) for key in found}
    arrays = {role: found[key] for key, role in roles.items() if role}
    parts = {*REQUIRED, *(role[1] for role in arrays if role[0] in "xy")}
    missing = [
        f"{axis}_{part}"
        for part in PARTS
        if part in parts
        for axis in "xy"
        if (axis, part) not in arrays
    ]
    if missing:
        raise ValueError(
            "An .npz data set must hold x_train, y_train, x_test, y_test and optionally "
            f"x_validation, y_validation. Received: {path} without {', '.join(missing)}, with "
            f"{_listed(roles)}"
        )
    counts = Counter(roles.values())
    if twice := [key for key, role in roles.items() if role and counts[role] > 1]:
        raise ValueError(
            f"A part of an .npz data set must be given once. Received: {path} with {_listed(twice)}"
        )
    if unknown := [key for key, role in roles.items() if not role]:
        warnings.warn(f"Arrays of {path} that are not read: {_listed(unknown)}", stacklevel=6)
    return arrays


def _role(key):
    """Returns ("x" or "y", part) or NAMES; None for other arrays."""
    axis, _, name = key.lower().partition("_")
    part = part_of(name)
    return (axis, part) if axis in ("x", "y") and part else NAMES if key == "names" else None


def _listed(keys):
    """The names of arrays, at most `LONGEST` characters."""
    return ", ".join(keys)[:LONGEST]
