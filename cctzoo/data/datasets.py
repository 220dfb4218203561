"""Data sets as arrays, split into training, validation and test part."""

import dataclasses
import zipfile
from pathlib import Path

import numpy as np

PARTS = ("x_train", "y_train", "x_test", "y_test")
DIGITS_SIDE = 16  # pixels; twice the original's, so that convolution and pooling have room


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Images (n, height, width, channels) uint8 with labels (n,) int64, in three parts.

    The validation part is held out of the training part; the test part is for the end.
    """

    name: str
    classes: list[str]
    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def pixel_statistics(self):
        """(mean, std) of the training pixels in [0, 1]: two tuples, a number per channel."""
        levels = np.arange(256) / 255
        mean, std = [], []
        for channel in np.moveaxis(self.x_train, -1, 0):
            weight = np.bincount(channel.ravel(), minlength=256) / channel.size
            centre = float(weight @ levels)
            mean.append(centre)
            # A channel without contrast must not be divided by zero: 1/255 is one level.
            std.append(max(float(np.sqrt(weight @ (levels - centre) ** 2)), 1 / 255))
        return tuple(mean), tuple(std)


def load(name, validation=0.1, seed=0):
    """Loads a data set.

    Args:
        name: `"digits"`, scikit-learn's 1,797 handwritten digits, which need no download
            (resized to 16x16; a fixed fifth of them is the test part), or `"npz:PATH"`, a
            file with uint8 images `x_train`, `x_test`, (n, height, width) or (n, height,
            width, channels), labels `y_train`, `y_test`, (n,) or (n, 1), and, if it likes,
            the class names as `names`.
        validation: part of the training images held out, stratified, in (0, 1).
        seed: of the choice of these.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: for an unknown name, or a file that does not hold what it has to.
    """
    check_name(name)
    if not 0 < validation < 1:
        raise ValueError(
            f"`validation` must be a part, in (0, 1). Received: validation={validation}"
        )
    parts, classes = _digits() if name == "digits" else _npz(Path(name.removeprefix("npz:")))
    x_train, y_train, x_test, y_test = parts
    kept, held = _stratified(y_train, validation, seed)
    return Dataset(
        name, classes, x_train[kept], y_train[kept], x_train[held], y_train[held], x_test, y_test
    )


def check_name(name):
    """Raises ValueError unless `load` knows the name and, of a file, finds it."""
    if name == "digits":
        return
    if not name.startswith("npz:"):
        raise ValueError(
            f"A data set must be 'digits' or 'npz:PATH', a file of yours. Received: name={name!r}"
        )
    if not Path(name.removeprefix("npz:")).is_file():
        raise ValueError(f"'npz:PATH' must name a file that exists. Received: name={name!r}")


def _digits():
    from keras import ops
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = digits.images[..., None].astype("float32") * (255 / 16)  # (1797, 8, 8, 1)
    images = ops.image.resize(
        images, (DIGITS_SIDE, DIGITS_SIDE), interpolation="bilinear", data_format="channels_last"
    )
    images = np.rint(ops.convert_to_numpy(images)).astype("uint8")
    labels = digits.target.astype("int64")
    kept, held = _stratified(labels, 0.2, seed=0)
    parts = images[kept], labels[kept], images[held], labels[held]
    return parts, [str(name) for name in digits.target_names]


def _npz(path):
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


def _stratified(labels, part, seed):
    """Indices (kept, held out), ascending; of every class `part` is held out, rounded."""
    rng = np.random.default_rng(seed)
    held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        where = rng.permutation(np.flatnonzero(labels == label))
        held[where[: round(part * len(where))]] = True
    if not held.any():  # classes so small that each rounds to none
        held[rng.integers(len(labels))] = True
    return np.flatnonzero(~held), np.flatnonzero(held)
