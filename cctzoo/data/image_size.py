"""The `image_size` option of `data.load`."""

import numpy as np

DEFAULT_SIZE = 224  # pixels, for images of any size

ImageSize = int | tuple[int, int]


def height_width(image_size: ImageSize | None) -> tuple[int, int]:
    """Returns (height, width) for a side, a pair, or None for the default.

    Raises:
        ValueError: if a side is not a positive integer.
    """
    size = DEFAULT_SIZE if image_size is None else image_size
    size = (size, size) if np.ndim(size) == 0 else tuple(size)
    whole = all(isinstance(side, int | np.integer) and side >= 1 for side in size)
    if len(size) != 2 or not whole:
        raise ValueError(
            "`image_size` must be one side or (height, width), positive integers. "
            f"Received: image_size={image_size!r}"
        )
    return tuple(map(int, size))


def check_size(x: np.ndarray, image_size: ImageSize | None) -> None:
    """Raises ValueError if `image_size` differs from the size that all images have."""
    height, width = x.shape[1:3]
    if image_size is not None and height_width(image_size) != (height, width):
        raise ValueError(
            "Images that all have the same size are not resized: `image_size` must be that size "
            f"or None. Received: image_size={image_size!r}, images of {height}x{width}"
        )
