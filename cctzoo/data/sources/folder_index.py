"""What reading the images of a large folder has found, kept for the next time."""

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cctzoo.formats.atomic import atomic_file
from cctzoo.formats.cache import cache_folder
from cctzoo.formats.npz_file import open_npz

LEAST = 2000  # images from which an index is kept: fewer are read in a second
SHA256_BYTES = 32
KINDS = {"names": "S", "modes": "S", "numbers": "i", "sha256": "u"}  # NumPy's kinds
WHAT = "the index of an image folder"

logger = logging.getLogger(__name__)


class ReadImage(NamedTuple):
    """What reading one image has found.

    Args:
        mode: Pillow's mode.
        width, height: in pixels.
        sha256: of the file.
        dark: whether all pixels are 0 or 1; found only until an image is not.
        upright: False if the EXIF orientation cannot be read.
    """

    mode: str
    width: int
    height: int
    sha256: bytes
    dark: bool
    upright: bool


class FolderIndex:
    """The images of a folder that were read before and have not changed since.

    A file is taken as unchanged if its size and its time of modification, in nanoseconds, are
    the same. The index is in Keras' cache; it may be deleted at any time.

    Args:
        root: the folder.
        files: paths of the image files in it.
    """

    def __init__(self, root: Path, files: Sequence[str]):
        self.root, self.files = os.path.join(root, ""), files
        name = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:32]
        # Before the files are read: one that changes meanwhile is read again the next time.
        self.states = {file: _state(file) for file in files} if len(files) >= LEAST else {}
        self.path = cache_folder() / "folders_of_images" / f"{name}.npz"

    def known(self) -> dict[str, ReadImage]:
        """Returns the images that need not be read again, by path."""
        if not self.states or not self.path.is_file():
            return {}
        try:
            stored = self._load()
        except ValueError as error:
            logger.info("All images are read again: %s", error)
            return {}
        found = {}
        for file in self.files:
            state, image = stored.get(file.removeprefix(self.root), (None, None))
            if image is not None and state == self.states[file]:
                found[file] = image
        return found

    def save(self, images: Mapping[str, ReadImage]) -> None:
        """Keeps what was found for the next time; a cache that cannot be written is no error."""
        if not self.states:
            return
        kept = [file for file in images if self.states[file] is not None]
        rows = [
            (*self.states[file], image.width, image.height, image.dark, image.upright)
            for file, image in ((file, images[file]) for file in kept)
        ]
        arrays = {
            "names": np.array([os.fsencode(file.removeprefix(self.root)) for file in kept]),
            "modes": np.array([images[file].mode.encode() for file in kept]),
            "numbers": np.array(rows, "int64").reshape(-1, 6),
            "sha256": np.frombuffer(b"".join(images[file].sha256 for file in kept), "uint8"),
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(self.path) as draft:
                np.savez(draft, **arrays)
        except OSError as error:
            logger.info("The index of %s cannot be kept: %s", self.root, error)

    def _load(self):
        """Returns {name: ((size, time), `ReadImage`)}; ValueError if the file is broken."""
        with open_npz(self.path, WHAT) as arrays:
            count = arrays["names"].shape[0] if "names" in arrays else 0
            shapes = {"names": (count,), "modes": (count,), "numbers": (count, 6)}
            shapes["sha256"] = (SHA256_BYTES * count,)
            for name, shape in shapes.items():
                array = arrays.get(name)
                fits = array is not None and array.shape == shape
                if not fits or np.dtype(array.dtype).kind != KINDS[name]:
                    raise ValueError(
                        f"{WHAT} must hold {name!r} of the shape {shape}. Received: {self.path}"
                    )
            names, modes, numbers, hashes = (np.asarray(arrays[name]) for name in shapes)
        hashes = hashes.astype("uint8").tobytes()
        found = {}
        for i, (name, mode, row) in enumerate(
            zip(names.tolist(), modes.tolist(), numbers.tolist(), strict=True)
        ):
            size, time, width, height, dark, upright = row
            sha256 = hashes[SHA256_BYTES * i : SHA256_BYTES * (i + 1)]
            image = ReadImage(mode.decode(), width, height, sha256, bool(dark), bool(upright))
            found[os.fsdecode(name)] = (size, time), image
        return found


def _state(file):
    """(size, time of modification in nanoseconds) of a file; None if it cannot be read."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
