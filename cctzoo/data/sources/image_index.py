"""What reading the images of a data set has found, stored in Keras' cache for the next time."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.data.sources.read_images import ReadImage
from cctzoo.formats.atomic import atomic_file
from cctzoo.formats.npz_file import open_npz

WHAT = "an index of images that cctzoo wrote, which can be deleted"
SHA256_BYTES = 32
# The columns of every index: NumPy's kind, and the shape of one row.
COLUMNS = {
    "names": ("S", ()),
    "states": ("i", (2,)),
    "modes": ("S", ()),
    "numbers": ("i", (4,)),
    "sha256": ("u", (SHA256_BYTES,)),
}

State = tuple[int, int]
logger = logging.getLogger(__name__)


def file_state(file: str | Path) -> State | None:
    """(size, time of modification in nanoseconds) of a file; None if it cannot be read.

    A file with the same state as before is taken as unchanged.
    """
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def save_index(
    path: Path, images: Mapping[str, tuple[State, ReadImage]], **columns: np.ndarray
) -> None:
    """Writes an index; a cache that cannot be written is no error.

    Args:
        path: of the file; its folder is created.
        images: {name: (state of the file that holds the image, the image)}.
        columns: more columns, with one row for each image.
    """
    states = [state for state, _ in images.values()]
    found = [image for _, image in images.values()]
    numbers = [(image.width, image.height, image.dark, image.upright) for image in found]
    hashes = np.frombuffer(b"".join(image.sha256 for image in found), "uint8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as draft:
            np.savez(
                draft,
                names=np.array([os.fsencode(name) for name in images], "S"),
                states=np.array(states, "int64").reshape(-1, 2),
                modes=np.array([image.mode.encode() for image in found], "S"),
                numbers=np.array(numbers, "int64").reshape(-1, 4),
                sha256=hashes.reshape(-1, SHA256_BYTES),
                **columns,
            )
    except OSError as error:
        logger.info("An index of images cannot be kept: %s", error)


def load_index(
    path: Path, **columns: tuple[str, tuple[int, ...]]
) -> tuple[dict[str, tuple[State, ReadImage]], dict[str, np.ndarray]]:
    """Reads an index.

    Args:
        path: of the file.
        columns: NumPy's kind and the shape of one row of each of the further columns.

    Returns:
        ({name: (state, image)}, the further columns); both are empty if there is no such file, or
        it is broken, which is logged.
    """
    if not path.is_file():
        return {}, {}
    try:
        arrays = _arrays(path, COLUMNS | columns)
    except ValueError as error:
        logger.info("All images are read again: %s", error)
        return {}, {}
    rows = zip(*(arrays[name].tolist() for name in COLUMNS if name != "sha256"), strict=True)
    hashes, found = arrays["sha256"].astype("uint8").tobytes(), {}
    for i, (name, state, mode, (width, height, dark, upright)) in enumerate(rows):
        sha256 = hashes[SHA256_BYTES * i : SHA256_BYTES * (i + 1)]
        image = ReadImage(mode.decode(), width, height, sha256, bool(dark), bool(upright))
        found[os.fsdecode(name)] = tuple(state), image
    return found, {name: arrays[name] for name in columns}


def _arrays(path: Path, columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
    with open_npz(path, WHAT) as stored:
        count = stored["names"].shape[:1] if "names" in stored else (0,)
        for name, (kind, row) in columns.items():
            array = stored.get(name)
            shape = (*count, *row)
            if array is None or array.shape != shape or np.dtype(array.dtype).kind != kind:
                raise ValueError(
                    f"{WHAT} must hold {name!r} of the shape {shape}. Received: {path}"
                )
        return {name: np.asarray(stored[name]) for name in columns}
