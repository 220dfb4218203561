"""Images of any size, stored encoded and decoded on demand."""

import dataclasses
import io
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.typing import PathLike

MODES = {"L": 1, "RGB": 3}  # Pillow's name and the number of channels


@dataclasses.dataclass(frozen=True)
class EncodedImages:
    """A sequence of encoded images (JPEG, PNG, ...), decoded on demand.

    `images[indices]`, with a slice or an integer or Boolean array, is another `EncodedImages`
    and copies no image. The object can be pickled if its source can. The orientation tag of a
    photograph is not applied, as in timm and TFDS. Of an animation, the first frame is used.

    Args:
        source: the encoded images, with `len(source)`, `source[i]` (bytes), `source.name(i)`
            (a name for error messages) and `source.subset(indices)`; for example a
            `FileSource`.
        image_size: (height, width) of the evaluation view, in pixels.
        mode: Pillow's mode, `"RGB"` or `"L"`, to which other images are converted.
        crop_pct: the share of the resized image's shorter side that the evaluation view shows,
            in (0, 1].
    """

    source: Any
    image_size: tuple[int, int]
    mode: str = "RGB"
    crop_pct: float = 0.9

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
        with decode(self.source[index], self.source.name(index)) as image:
            return convert(image, self.mode)

    def batch(self, indices: Any) -> np.ndarray:
        """Decodes the evaluation views of images: (B, height, width, channels) uint8.

        The shorter side is resized bicubically to size / `crop_pct`, then the centre is
        cropped, as in timm and torchvision. Images are decoded in parallel threads.

        Args:
            indices: a slice or an integer or Boolean array.

        Raises:
            ValueError: if an image cannot be decoded.
        """
        indices = np.arange(len(self))[indices]
        pixels = np.empty((len(indices), *self.shape[1:]), "uint8")

        def fill(place):
            view = self._evaluation_view(self.open(indices[place]))
            pixels[place] = np.asarray(view).reshape(self.shape[1:])

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, range(len(indices))))
        return pixels

    def _evaluation_view(self, image):
        from PIL import Image

        height, width = self.image_size
        # Rounded down as in timm, so that its figures can be reproduced: 224 / 0.9 -> 248.
        least = math.floor(width / self.crop_pct), math.floor(height / self.crop_pct)
        scale = max(least[0] / image.width, least[1] / image.height)
        size = [
            max(int(side * scale + 1e-6), floor)
            for side, floor in zip(image.size, least, strict=True)
        ]
        image = image.resize(size, Image.Resampling.BICUBIC)
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        return image.crop((left, top, left + width, top + height))


@dataclasses.dataclass(frozen=True)
class FileSource:
    """Image files as a source for `EncodedImages`."""

    paths: list[PathLike]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> bytes:
        return Path(self.paths[index]).read_bytes()

    def name(self, index: int) -> str:
        return str(self.paths[index])

    def subset(self, indices: np.ndarray) -> "FileSource":
        return FileSource([self.paths[i] for i in indices])


def decode(data: bytes, name: str, quick: bool = False) -> Any:
    """Decodes bytes to a PIL image in its own mode, with its pixels loaded.

    Args:
        data: the encoded image.
        name: the name of the image in error messages.
        quick: decode a JPEG at an eighth of its size. The whole file is still read, so that a
            broken file is found in a fraction of the time.

    Raises:
        ValueError: if the data are not an image, or broken.
    """
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
        if quick:
            image.draft(None, (1, 1))
        image.load()
    # Not only OSError: Pillow's decoders raise SyntaxError, struct.error, ... on broken data.
    except Exception as error:
        raise ValueError(f"An image must be readable. Received: {name} ({error})") from error
    return image


def convert(image: Any, mode: str) -> Any:
    """Converts a PIL image to another mode by Pillow's rules; transparency is dropped."""
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # as Pillow recommends in a warning
    return image.convert(mode)
