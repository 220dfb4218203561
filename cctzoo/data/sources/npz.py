"""A data set in one .npz file."""

import zipfile
from pathlib import Path

import numpy as np

from cctzoo.data.image_size import ImageSize, check_size
from cctzoo.data.sources.parts import Parts

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def load_npz(path: Path, image_size: ImageSize | None = None) -> Parts:
    """Loads images of one size; see `data.load`.

    Raises:
        ValueError: if the file is not a valid archive, or its arrays are not a data set.
    """
    arrays = _read_arrays(path)
    for part in ("x_train", "x_test"):
        x = arrays[part]
        if x.dtype != np.uint8 or x.ndim not in (3, 4) or not x.size:
            raise ValueError(
                f"{part} must be uint8 of shape (n, height, width[, channels]) and not empty. "
                f"Received: {part} of {x.dtype}, shape {x.shape} in {path}"
            )
        arrays[part] = x if x.ndim == 4 else x[..., None]
    if arrays["x_train"].shape[1:] != arrays["x_test"].shape[1:]:
        shapes = arrays["x_train"].shape, arrays["x_test"].shape
        raise ValueError(
            f"x_train and x_test must hold images of the same shape. Received: {shapes} in {path}"
        )
    for part in ("train", "test"):
        y, images = arrays[f"y_{part}"], len(arrays[f"x_{part}"])
        if not np.issubdtype(y.dtype, np.integer) or y.shape not in ((images,), (images, 1)):
            raise ValueError(
                f"y_{part} must hold one integer for each of the {images} images. "
                f"Received: y_{part} of {y.dtype}, shape {y.shape} in {path}"
            )
        arrays[f"y_{part}"] = y.reshape(-1).astype("int64")
    y_train, y_test = arrays["y_train"], arrays["y_test"]
    names = arrays.get("names", np.arange(max(y_train.max(), y_test.max()) + 1))
    for part, y in {"y_train": y_train, "y_test": y_test}.items():
        if y.min() < 0 or y.max() >= len(names):
            raise ValueError(
                f"Labels must be from 0 to {len(names) - 1}, the number of classes less one. "
                f"Received: {part} from {y.min()} to {y.max()} in {path}"
            )
    check_size(arrays["x_train"], image_size)
    return Parts(*(arrays[part] for part in ARRAYS), [str(name) for name in names])


def _read_arrays(path):
    try:
        with open(path, "rb") as stream:  # NumPy does not close a broken file
            file = np.load(stream, allow_pickle=False)  # a pickle could run code
            arrays = {key: file[key] for key in (*ARRAYS, "names") if key in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise ValueError(
            f"'npz:PATH' must be a NumPy .npz archive of plain arrays. Received: {path} ({error})"
        ) from error
    missing = [part for part in ARRAYS if part not in arrays]
    if missing:
        raise ValueError(
            f"An .npz data set must hold {', '.join(ARRAYS)}. Received: {path} without "
            f"{', '.join(missing)}"
        )
    return arrays
