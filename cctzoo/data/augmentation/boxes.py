"""Random boxes for crops and erasing, drawn by rejection as in torchvision and timm.

Keras' RandomErasing draws the sides of a box independently, instead of its area and ratio.
"""

import numpy as np

from cctzoo.typing import Array

TRIES = 10
RATIOS = (3 / 4, 4 / 3)  # aspect ratios of resized crops
ERASED = (0.02, 1 / 3)  # share of the area
ERASED_RATIOS = (0.3, 1 / 0.3)


def draw_crops(rng: np.random.Generator, count: int) -> Array:
    """Draws the numbers for `resized_crops`, (count, 22) in [0, 1), whatever the images' sizes."""
    return rng.random((count, 2 * TRIES + 2))


def resized_crops(draws: Array, heights: Array, widths: Array, scale: tuple[float, float]) -> Array:
    """Returns one box per image for a random resized crop.

    Args:
        draws: numbers of `draw_crops`, (n, 22).
        heights, widths: size of the images, (n,) integers.
        scale: the smallest and the largest share of the area.

    Returns:
        (n, 4) integers: top, left, height, width. If none of ten tries fits, the largest
        centred box with a permitted aspect ratio.
    """
    area, ratio, place = np.split(draws, (TRIES, 2 * TRIES), axis=1)
    rows, columns, fits = _sides(area, ratio, heights * widths, scale, RATIOS)
    fits &= (rows > 0) & (rows <= heights[:, None])
    fits &= (columns > 0) & (columns <= widths[:, None])
    rows, columns = _first(rows, fits), _first(columns, fits)
    found = fits.any(1)
    rows = np.where(found, rows, np.minimum(heights, np.rint(widths / RATIOS[0])))
    columns = np.where(found, columns, np.minimum(widths, np.rint(heights * RATIOS[1])))
    rows, columns = rows.astype("int64"), columns.astype("int64")
    free_rows, free_columns = heights - rows, widths - columns
    top, left = (place.T * (np.stack([free_rows, free_columns]) + 1)).astype("int64")
    top = np.where(found, top, free_rows // 2)
    left = np.where(found, left, free_columns // 2)
    return np.stack([top, left, rows, columns], axis=1)


def erasing_boxes(rng: np.random.Generator, count: int, height: int, width: int) -> Array:
    """Draws boxes (n, 4) int32: top, left, bottom, right; empty if none of ten tries fits."""
    area = np.full(count, height * width)
    draws = rng.random((2, count, TRIES))
    columns, rows, fits = _sides(*draws, area, ERASED, ERASED_RATIOS)
    fits &= (rows < height) & (columns < width)
    rows, columns = (_first(side, fits).astype("int64") for side in (rows, columns))
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    box = np.stack([top, left, top + rows, left + columns], axis=1)
    return np.where(fits.any(1)[:, None], box, 0).astype("int32")


def _sides(shares, shapes, area, scale, ratios):
    """Heights and widths of ten boxes per image, (n, 10) each, and a mask of True values."""
    target = area[:, None] * _between(scale, shares)
    ratio = np.exp(_between(np.log(ratios), shapes))  # width / height
    fits = np.ones(shares.shape, bool)
    return np.rint(np.sqrt(target / ratio)), np.rint(np.sqrt(target * ratio)), fits


def _between(ends, draws):
    return ends[0] + (ends[1] - ends[0]) * draws


def _first(values, fits):
    """The first value of each row that fits, or 0 if none fits."""
    chosen = np.take_along_axis(values, fits.argmax(1)[:, None], 1)[:, 0]
    return np.where(fits.any(1), chosen, 0)
