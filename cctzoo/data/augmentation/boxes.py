"""Random boxes for crops and erasing, drawn by rejection as in torchvision and timm.

Keras' RandomErasing draws the sides of a box independently, instead of its area and ratio.
"""

import numpy as np

from cctzoo.typing import Array

TRIES = 10
RATIOS = (3 / 4, 4 / 3)  # aspect ratios of resized crops
ERASED = (0.02, 1 / 3)  # share of the area
ERASED_RATIOS = (0.3, 1 / 0.3)


def resized_crops(
    rng: np.random.Generator, heights: Array, widths: Array, scale: tuple[float, float]
) -> Array:
    """Draws one box per image for a random resized crop.

    Args:
        rng: the generator.
        heights, widths: size of the images, (n,) integers.
        scale: the smallest and the largest share of the area.

    Returns:
        (n, 4) integers: top, left, height, width. If none of ten tries fits, the largest
        centred box with a permitted aspect ratio.
    """
    rows, columns, fits = _sides(rng, heights * widths, scale, RATIOS)
    fits &= (rows > 0) & (rows <= heights[:, None])
    fits &= (columns > 0) & (columns <= widths[:, None])
    rows, columns = _first(rows, fits), _first(columns, fits)
    found = fits.any(1)
    rows = np.where(found, rows, np.minimum(heights, np.rint(widths / RATIOS[0])))
    columns = np.where(found, columns, np.minimum(widths, np.rint(heights * RATIOS[1])))
    rows, columns = rows.astype("int64"), columns.astype("int64")
    free_rows, free_columns = heights - rows, widths - columns
    top, left = rng.integers(0, free_rows + 1), rng.integers(0, free_columns + 1)
    top = np.where(found, top, free_rows // 2)
    left = np.where(found, left, free_columns // 2)
    return np.stack([top, left, rows, columns], axis=1)


def erasing_boxes(rng: np.random.Generator, count: int, height: int, width: int) -> Array:
    """Draws boxes (n, 4) int32: top, left, bottom, right; empty if none of ten tries fits."""
    area = np.full(count, height * width)
    columns, rows, fits = _sides(rng, area, ERASED, ERASED_RATIOS)
    fits &= (rows < height) & (columns < width)
    rows, columns = (_first(side, fits).astype("int64") for side in (rows, columns))
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    box = np.stack([top, left, top + rows, left + columns], axis=1)
    return np.where(fits.any(1)[:, None], box, 0).astype("int32")


def _sides(rng, area, scale, ratios):
    """Heights and widths of ten boxes per image, (n, 10) each, and a mask of True values."""
    size = (len(area), TRIES)
    target = area[:, None] * rng.uniform(*scale, size)
    ratio = np.exp(rng.uniform(*np.log(ratios), size))  # width / height
    return np.rint(np.sqrt(target / ratio)), np.rint(np.sqrt(target * ratio)), np.ones(size, bool)


def _first(values, fits):
    """The first value of each row that fits, or 0 if none fits."""
    chosen = np.take_along_axis(values, fits.argmax(1)[:, None], 1)[:, 0]
    return np.where(fits.any(1), chosen, 0)
