"""View: how an image of any size becomes an array of the size that a model takes."""

import dataclasses
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo import limits
from cctzoo.arguments import checked_arguments
from cctzoo.data.image_files import MODES, convert, decode, mode_of, upright
from cctzoo.messages import received
from cctzoo.plain_values import check_types, is_count, is_one_of, make_plain, plain
from cctzoo.typing import PathLike

INTERPOLATIONS = ("bicubic", "bilinear")


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
    """How an image of any size becomes an array of the size that a model takes.

    The image is decoded, rotated as its orientation tag says, and converted to the model's
    number of channels; transparency is dropped. It is then resized, so that its shorter side is
    the model's size / `crop_pct`, and the centre is cropped, as in timm and torchvision. The
    values are 0 to 255.

    The view is part of a trained model's config, and of every file that the model is saved or
    exported to. A model that was trained on arrays of one size has no view.

    Args:
        orient: whether the EXIF orientation of a photograph is applied.
        crop_pct: the share of the resized image's shorter side that remains, in (0, 1].
        interpolation: `"bicubic"` or `"bilinear"`, with a filter that is wider where the image
            shrinks (antialiasing).

    Raises:
        ValueError: if a value is out of its range.
    """

    orient: bool = True
    crop_pct: float = 0.9
    interpolation: str = "bicubic"

    def __post_init__(self) -> None:
        make_plain(self)
        check_types(self, numbers=("crop_pct",), booleans=("orient",))
        rules = {
            "crop_pct": (0 < self.crop_pct <= 1, "be in (0, 1]"),
            "interpolation": (
                is_one_of(self.interpolation, INTERPOLATIONS),
                f"be in {INTERPOLATIONS}",
            ),
        }
        for name, (holds, rule) in rules.items():
            if not holds:
                raise ValueError(f"`{name}` must {rule}. {received(**{name: getattr(self, name)})}")

    def open(self, data: bytes, mode: str, name: str) -> Any:
        """Decodes an image in its original size.

        Args:
            data: the encoded image.
            mode: `"RGB"` or `"L"`.
            name: the name of the image in error messages.

        Returns:
            A PIL image in `mode`, upright.

        Raises:
            ValueError: if the image cannot be decoded or converted, or has more than 8 bits per
                channel.
        """
        with decode(data, name, orient=self.orient) as image:
            return convert(image, mode, name)

    def prepare(self, image: Any, mode: str, name: str) -> Any:
        """Turns a PIL image upright and converts it to `mode`, as `open` does for a file."""
        return convert(upright(image) if self.orient else image, mode, name)

    def resized(self, image_size: Sequence[int], height: int, width: int) -> list[int]:
        """The (width, height) to which `crop` resizes an image of (width, height).

        Raises:
            ValueError: if it has more pixels than the limit `positions`, e.g. because the image
                is one pixel wide.
        """
        # Rounded down as in timm, so that its figures can be reproduced: 224 / 0.9 -> 248.
        least = math.floor(width / self.crop_pct), math.floor(height / self.crop_pct)
        scale = max(least[0] / image_size[0], least[1] / image_size[1])
        size = [
            max(int(side * scale + 1e-6), floor)
            for side, floor in zip(image_size, least, strict=True)
        ]
        subject = "The number of pixels of a resized image, before it is cropped,"
        limits.check("positions", math.prod(size), subject, image=image_size, resized=size)
        return size

    def crop(self, image: Any, height: int, width: int) -> Any:
        """Resizes a PIL image and crops its centre to `height` x `width` pixels."""
        from PIL import Image

        size = self.resized(image.size, height, width)
        image = image.resize(size, Image.Resampling[self.interpolation.upper()])
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        return image.crop((left, top, left + width, top + height))


@checked_arguments
def read_images(
    images: PathLike | Sequence[PathLike], shape: Sequence[int], view: View | None = None
) -> np.ndarray:
    """Reads image files as the arrays that a model takes.

    Args:
        images: the path of one image file, or a sequence of paths.
        shape: (height, width, channels) of the model's input; 1 or 3 channels.
        view: the view of the model. Default: `View()`.

    Returns:
        (height, width, channels) uint8 for one path, (n, height, width, channels) for a
        sequence. Images are decoded in parallel threads.

    Raises:
        ValueError: if an image cannot be decoded or converted, or has more than 8 bits per
            channel.
        OSError: if a file cannot be read.

    Example:

    ```python
    from cctzoo import data
    from PIL import Image

    Image.new("RGB", (60, 40), "orange").save("orange.png")
    print(data.read_images(["orange.png"], (32, 32, 3)).shape)  # (1, 32, 32, 3)
    ```
    """
    view = view or View()
    shape = plain("shape", shape)
    if not isinstance(shape, tuple) or len(shape) != 3 or not all(map(is_count, shape)):
        raise ValueError(
            "`shape` must be three positive integers (height, width, channels). "
            f"{received(shape=shape)}"
        )
    height, width, channels = shape
    if channels not in MODES.values():
        raise ValueError(f"Image files have 1 or 3 channels. Received: shape={shape}")
    limits.check("positions", height * width * channels, "The size of `shape`", shape=shape)

    def read(path):
        image = view.open(Path(path).read_bytes(), mode_of(channels), str(path))
        return np.asarray(view.crop(image, height, width)).reshape(height, width, channels)

    if isinstance(images, str | os.PathLike):
        return read(images)
    images = list(images)
    for path in images:
        if not isinstance(path, str | os.PathLike):
            raise ValueError(f"`images` must be paths of image files. {received(images=images)}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pixels = list(pool.map(read, images))
    return np.stack(pixels) if pixels else np.empty((0, height, width, channels), "uint8")
