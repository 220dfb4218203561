"""The `image_size` option of `data.load`."""

from typing import Any

from cctzoo import limits
from cctzoo.messages import received, shown
from cctzoo.plain_values import is_count, plain

DEFAULT_SIZE = 224  # pixels, for images of any size

ImageSize = int | tuple[int, int]


def height_width(image_size: ImageSize | None) -> tuple[int, int]:
    """Returns (height, width) for a side, a pair, or None for the default.

    Raises:
        ValueError: if a side is not a positive integer, or an image of this size would exceed the
            limit `positions`.
    """
    size = DEFAULT_SIZE if image_size is None else plain("image_size", image_size)
    size = size if isinstance(size, tuple) else (size, size)
    if len(size) != 2 or not all(map(is_count, size)):
        raise ValueError(
            "`image_size` must be one side or (height, width), positive integers. "
            f"{received(image_size=image_size)}"
        )
    height, width = size
    limits.check(
        "positions",
        height * width,
        "The number of pixels in an image of `image_size`",
        image_size=image_size,
    )
    return height, width


def check_size(x: Any, image_size: ImageSize | None) -> None:
    """Raises ValueError if `image_size` differs from the size that all images have."""
    height, width = x.shape[1:3]
    if image_size is not None and height_width(image_size) != (height, width):
        raise ValueError(
            "Images that all have the same size are not resized: `image_size` must be that size "
            f"or None. Received: image_size={shown(image_size)}, images of {height}x{width}"
        )
