"""Images of any size, stored encoded and decoded on demand."""

import dataclasses
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.data.image_files import MODES
from cctzoo.data.view import View
from cctzoo.typing import PathLike


@dataclasses.dataclass(frozen=True)
class EncodedImages:
    """A sequence of encoded images (JPEG, PNG, ...), decoded on demand.

    `images[indices]`, with a slice or an integer or Boolean array, is another `EncodedImages`
    and copies no image. The object can be pickled if its source can.

    Args:
        source: the encoded images, with `len(source)`, `source[i]` (bytes), `source.name(i)`
            (a name for error messages) and `source.subset(indices)`; for example a
            `FileSource`. Where it has `source.identity()`, the bytes that this yields identify
            the images in `Dataset.fingerprint`, in place of a hash of each image.
        image_size: (height, width) of the arrays that `batch` returns, in pixels.
        mode: Pillow's mode, `"RGB"` or `"L"`, to which other images are converted.
        view: how the images are decoded, resized and cropped.
    """

    source: Any
    image_size: tuple[int, int]
    mode: str = "RGB"
    view: View = dataclasses.field(default_factory=View)

    def __len__(self) -> int:
        return len(self.source)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, height, width, channels) of the array that `batch` returns for all images."""
        return (len(self), *self.image_size, MODES[self.mode])

    def __getitem__(self, indices: Any) -> "EncodedImages":
        indices = np.arange(len(self))[indices]  # NumPy's rules and errors
        if indices.ndim != 1:
            raise TypeError(
                "`images[indices]` takes a slice or an array; use `images.open(i)` for one image. "
                f"Received: indices of shape {indices.shape}"
            )
        return dataclasses.replace(self, source=self.source.subset(indices))

    def open(self, index: int) -> Any:
        """Decodes one image in its original size, as a PIL image in `mode`.

        Raises:
            ValueError: if the image cannot be decoded; the message names it.
        """
        return self.view.open(self.source[index], self.mode, self.source.name(index))

    def batch(self, indices: Any) -> np.ndarray:
        """Decodes the evaluation views of images: (B, height, width, channels) uint8.

        Images are decoded in parallel threads.

        Args:
            indices: a slice or an integer or Boolean array.

        Raises:
            ValueError: if an image cannot be decoded.
        """
        indices = np.arange(len(self))[indices]
        pixels = np.empty((len(indices), *self.shape[1:]), "uint8")

        def fill(place):
            image = self.view.crop(self.open(indices[place]), *self.image_size)
            pixels[place] = np.asarray(image).reshape(self.shape[1:])

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, range(len(indices))))
        return pixels


@dataclasses.dataclass(frozen=True)
class FileSource:
    """Image files as a source for `EncodedImages`.

    Args:
        paths: of the files.
        hashes: the SHA-256 of each file, if they are known. Default: the files are read when
            `identity` is called.
    """

    paths: list[PathLike]
    hashes: list[bytes] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> bytes:
        return Path(self.paths[index]).read_bytes()

    def name(self, index: int) -> str:
        return str(self.paths[index])

    def subset(self, indices: np.ndarray) -> "FileSource":
        hashes = None if self.hashes is None else [self.hashes[i] for i in indices]
        return FileSource([self.paths[i] for i in indices], hashes)

    def identity(self) -> list[bytes]:
        """Returns the SHA-256 of each file."""
        if self.hashes is not None:
            return self.hashes
        return [hashlib.sha256(self[i]).digest() for i in range(len(self))]
