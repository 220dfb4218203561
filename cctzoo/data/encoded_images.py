"""Images of any size, kept encoded and decoded when asked for."""

import dataclasses
import io
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

MODES = {"L": 1, "RGB": 3}  # Pillow's name and the number of channels


@dataclasses.dataclass(frozen=True)
class EncodedImages:
    """A sequence of encoded images (JPEG, PNG, ...), decoded on demand.

    `images[indices]` (a slice or an integer or boolean array) is a subset of the same
    kind; it copies no image. Pickles as far as its source does. A photograph's orientation tag
    is not applied, as in timm and TFDS; of an animation the first frame counts.

    Args:
        source: the encoded images: `len()`, `source[i]` their bytes, `source.name(i)` what
            an error calls them, `source.subset(indices)`.
        image_size: (height, width) of the evaluation view, in pixels.
        mode: Pillow's: `"RGB"` or `"L"`; images in another one are converted.
        crop_pct: part of the resized image's shorter side that the evaluation view shows,
            in (0, 1].
    """

    source: Any
    image_size: tuple[int, int]
    mode: str = "RGB"
    crop_pct: float = 0.9

    def __len__(self):
        return len(self.source)

    @property
    def shape(self):
        """(n, height, width, channels) of what `batch` would make of all images."""
        return (len(self), *self.image_size, MODES[self.mode])

    def __getitem__(self, indices):
        indices = np.arange(len(self))[indices]  # NumPy's rules and errors
        if indices.ndim != 1:
            raise TypeError(
                "`images[indices]` is a subset, of a slice or an array; one image is "
                f"`images.open(i)`. Received: indices of shape {indices.shape}"
            )
        return dataclasses.replace(self, source=self.source.subset(indices))

    def open(self, index):
        """Image `index` as it is stored, decoded: a PIL image in the mode of the set.

        Raises:
            ValueError: if it cannot be decoded; the message names it.
        """
        with decode(self.source[index], self.source.name(index)) as image:
            return convert(image, self.mode)

    def batch(self, indices):
        """The evaluation view of some images: (B, height, width, channels) uint8.

        Bicubic resize of the shorter side to size / `crop_pct`, then the centre: timm's
        and torchvision's steps. Decoding runs in threads; Pillow lets them run at once.

        Args:
            indices: a slice or an integer or boolean array.

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
        # Floors as in timm, so that its figures can be reproduced: 224 / 0.9 -> 248.
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
    """Image files as a source of `EncodedImages`."""

    paths: list

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return Path(self.paths[index]).read_bytes()

    def name(self, index):
        return str(self.paths[index])

    def subset(self, indices):
        return FileSource([self.paths[i] for i in indices])


def decode(data, name, quick=False):
    """Bytes to a PIL image in its own mode, pixels read.

    Args:
        data: the encoded image.
        name: what an error calls it.
        quick: read a JPEG at an eighth of its size: the whole file is still read, which
            finds what is broken, in a fraction of the time.

    Raises:
        ValueError: if it is no image or broken.
    """
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
        if quick:
            image.draft(None, (1, 1))
        image.load()
    # Not OSError alone: Pillow's decoders raise SyntaxError, struct.error, ... on broken data.
    except Exception as error:
        raise ValueError(f"An image must be readable. Received: {name} ({error})") from error
    return image


def convert(image, mode):
    """A PIL image in another mode, by Pillow's rules: transparency is dropped."""
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # what Pillow itself recommends in a warning
    return image.convert(mode)
