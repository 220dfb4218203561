"""A data set in one .npz file."""

import zipfile

import numpy as np

PARTS = ("x_train", "y_train", "x_test", "y_test")


def load_npz(path):
    """((x_train, y_train, x_test, y_test), classes) of an .npz file.

    Raises:
        ValueError: if the file does not hold what it has to.
    """
    arrays = _read_arrays(path)
    for part in ("x_train", "x_test"):
        x = arrays[part]
        if x.dtype != np.uint8 or x.ndim not in (3, 4) or not x.size:
            raise ValueError(
                f"{part} must be uint8 of shape (n, height, width[, channels]), n at least 1. "
                f"Received: {part} of {x.dtype}, shape {x.shape} in {path}"
            )
        arrays[part] = x if x.ndim == 4 else x[..., None]
    if arrays["x_train"].shape[1:] != arrays["x_test"].shape[1:]:
        shapes = arrays["x_train"].shape, arrays["x_test"].shape
        raise ValueError(
            f"x_train and x_test must hold images of one shape. Received: {shapes} in {path}"
        )
    for part in ("train", "test"):
        y, images = arrays[f"y_{part}"], len(arrays[f"x_{part}"])
        if not np.issubdtype(y.dtype, np.integer) or y.shape not in ((images,), (images, 1)):
            raise ValueError(
                f"y_{part} must hold an integer per image, {images} of them. "
                f"Received: y_{part} of {y.dtype}, shape {y.shape} in {path}"
            )
        arrays[f"y_{part}"] = y.reshape(-1).astype("int64")
    y_train, y_test = arrays["y_train"], arrays["y_test"]
    names = arrays.get("names", np.arange(max(y_train.max(), y_test.max()) + 1))
    for part, y in {"y_train": y_train, "y_test": y_test}.items():
        if y.min() < 0 or y.max() >= len(names):
            raise ValueError(
                f"Labels must be from 0 to {len(names) - 1}, one below the number of classes. "
                f"Received: {part} from {y.min()} to {y.max()} in {path}"
            )
    return [arrays[part] for part in PARTS], [str(name) for name in names]


def _read_arrays(path):
    try:
        with open(path, "rb") as stream:  # NumPy leaves a broken file open
            file = np.load(stream, allow_pickle=False)  # a pickle could run code
            arrays = {key: file[key] for key in (*PARTS, "names") if key in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise ValueError(
            f"'npz:PATH' must be a NumPy .npz archive of plain arrays. Received: {path} ({error})"
        ) from error
    missing = [part for part in PARTS if part not in arrays]
    if missing:
        raise ValueError(
            f"An .npz data set must hold {', '.join(PARTS)}. Received: {path} without "
            f"{', '.join(missing)}"
        )
    return arrays
