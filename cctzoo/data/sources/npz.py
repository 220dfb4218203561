"""A data set in one .npz file."""

import warnings
import zipfile
from pathlib import Path

import numpy as np

from cctzoo.data.image_size import ImageSize, check_size
from cctzoo.data.sources.parts import PARTS, Parts, part_of

NAMES = ("names",)
REQUIRED = ("train", "test")


def load_npz(path: Path, image_size: ImageSize | None = None) -> Parts:
    """Loads images of one size; see `data.load`.

    Raises:
        ValueError: if the file is not a valid archive, or its arrays are not a data set.
    """
    arrays = _read_arrays(path)
    images = {role[1]: x for role, x in arrays.items() if role[0] == "x"}
    for part, x in images.items():
        if x.dtype != np.uint8 or x.ndim not in (3, 4) or not x.size:
            raise ValueError(
                f"x_{part} must be uint8, from 0 to 255, of shape (n, height, width[, channels]) "
                f"and not empty. Received: x_{part} of {x.dtype}, shape {x.shape} in {path}"
            )
    images = {part: x if x.ndim == 4 else x[..., None] for part, x in images.items()}
    shapes = {f"x_{part}": x.shape for part, x in images.items()}
    if len({shape[1:] for shape in shapes.values()}) > 1:
        raise ValueError(
            f"All parts must hold images of the same shape. Received: {shapes} in {path}"
        )
    labels = {}
    for part, x in images.items():
        y = arrays["y", part]
        if not np.issubdtype(y.dtype, np.integer) or y.shape not in ((len(x),), (len(x), 1)):
            raise ValueError(
                f"y_{part} must hold one integer for each of the {len(x)} images. "
                f"Received: y_{part} of {y.dtype}, shape {y.shape} in {path}"
            )
        labels[part] = y.reshape(-1).astype("int64")
    most = max(y.max() for y in labels.values())
    names = arrays.get(NAMES, np.arange(most + 1))
    for part, y in labels.items():
        if y.min() < 0 or y.max() >= len(names):
            raise ValueError(
                f"Labels must be from 0 to {len(names) - 1}, the number of classes less one. "
                f"Received: y_{part} from {y.min()} to {y.max()} in {path}"
            )
    check_size(images["train"], image_size)
    train, test, validation = (
        (images[part], labels[part]) if part in images else None
        for part in (*REQUIRED, "validation")
    )
    return Parts(*train, *test, [str(name) for name in names], validation)


def _read_arrays(path):
    """Returns {("x" or "y", part) or NAMES: array}."""
    try:
        with open(path, "rb") as stream:  # NumPy does not close a broken file
            file = np.load(stream, allow_pickle=False)  # a pickle could run code
            roles = {key: _role(key) for key in file.files}
            arrays = {role: file[key] for key, role in roles.items() if role}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise ValueError(
            f"'npz:PATH' must be a NumPy .npz archive of plain arrays. Received: {path} ({error})"
        ) from error
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
            f"{', '.join(roles)}"
        )
    if twice := [
        key for key, role in roles.items() if role and list(roles.values()).count(role) > 1
    ]:
        raise ValueError(
            f"A part of an .npz data set must be given once. Received: {path} with "
            f"{', '.join(twice)}"
        )
    if unknown := [key for key, role in roles.items() if not role]:
        warnings.warn(f"Arrays of {path} that are not read: {', '.join(unknown)}", stacklevel=6)
    return arrays


def _role(key):
    """Returns ("x" or "y", part) or NAMES; None for other arrays."""
    axis, _, name = key.lower().partition("_")
    part = part_of(name)
    return (axis, part) if axis in ("x", "y") and part else NAMES if key == "names" else None
