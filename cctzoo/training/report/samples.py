"""Samples inside a page: small images in one picture, or the starts of texts."""

from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.data import EncodedImages, take
from cctzoo.data.encoded_images import FileSource
from cctzoo.data.samples import Samples
from cctzoo.pages import image_sheet
from cctzoo.typing import Array

SIDE = 64  # pixels of the longer side of an image in a page
MOST = 600  # samples in a page
MOST_DECODED = 300  # images that are read again from files
MOST_PIXELS = 600_000  # of all images, whose PNG takes at most 1.8 MB
LOSSY_PIXELS = 1_800_000  # of all images as JPEG, which takes less than 0.8 bytes per pixel
CHUNK = 64  # images that are decoded at once
CHARACTERS = 400  # of a text


def most_samples(x: Samples) -> int:
    """Returns the number of samples that a page can show and still be below 3 MB."""
    if _is_text(x):
        return MOST
    pixels = int(np.prod(_small_size(x.shape[1:3])))
    if _is_lossy(x):
        most = MOST_DECODED if isinstance(x, EncodedImages) else MOST
        return min(most, LOSSY_PIXELS // pixels)
    return min(MOST, MOST_PIXELS // pixels)


def sample_contents(
    x: Samples, indices: Array, part: str, numbers: Array | None = None
) -> dict[str, Any]:
    """Returns samples of a part of a data set for a page.

    Args:
        x: the samples of the part; texts are strings.
        indices: of the samples.
        part: `"test"` or `"training"`, for the names of samples without a file.
        numbers: those of the samples in these names. Default: the indices.

    Returns:
        A dict of `names` and either `texts` or `sheet` (see `pages.image_sheet`); `sheet` is
        None if there are no samples.
    """
    numbers = indices if numbers is None else numbers
    names = [
        file_name(x, index) or f"{part} sample {number}"
        for index, number in zip(indices, numbers, strict=True)
    ]
    if _is_text(x):
        return {"names": names, "texts": [shortened(str(x[index])) for index in indices]}
    if not len(indices):
        return {"names": names, "sheet": None}
    parts = [
        small_images(take(x, indices[start : start + CHUNK]))
        for start in range(0, len(indices), CHUNK)
    ]
    return {"names": names, "sheet": image_sheet(np.concatenate(parts), lossy=_is_lossy(x))}


def small_images(images: Array) -> Array:
    """Returns images (n, height, width, 1 or 3) of at most 64 pixels, uint8.

    Images with other channels are shown by their mean.
    """
    if images.shape[-1] not in (1, 3):
        images = images.mean(axis=-1, keepdims=True).round().astype("uint8")
    height, width = _small_size(images.shape[1:3])
    if (height, width) == images.shape[1:3]:
        return images
    from PIL import Image

    # Pillow has no grey images with an axis for the channel.
    flat = images[..., 0] if images.shape[-1] == 1 else images
    small = [
        np.asarray(Image.fromarray(each).resize((width, height), Image.Resampling.BOX))
        for each in flat
    ]
    return np.stack(small).reshape(len(images), height, width, images.shape[-1])


def shortened(text: str) -> str:
    """Returns the start of a text."""
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"


def file_name(x: Samples, index: int) -> str:
    """Returns the name of an image without the place of the data set; "" for arrays."""
    if not isinstance(x, EncodedImages):
        return ""
    name = x.source.name(index)
    return "/".join(Path(name).parts[-2:]) if isinstance(x.source, FileSource) else name


def _is_text(x):
    return len(x.shape) == 1


def _is_lossy(x):
    """Whether the images are photographs in a size that is not their own: JPEG is enough."""
    return max(x.shape[1:3]) > SIDE or isinstance(x, EncodedImages)


def _small_size(size):
    height, width = size
    scale = min(1, SIDE / max(height, width))
    return max(1, round(scale * height)), max(1, round(scale * width))
