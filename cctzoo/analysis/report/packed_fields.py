"""Field matrices in few bytes, for a page that draws one of them at a time."""

import numpy as np

from cctzoo.typing import Array

FEWEST = 32  # classes; below, the matrices are small whatever their form
RANK_ERROR = 1e-4  # of the largest singular value
FEW_CELLS = 2**21  # up to here, each cell of a report has a byte of its own
MIDDLE = 2**15  # the 0 of a factor
FINE, COARSE = 127, 20  # steps from 0 to the largest field of a head


def pack_fields(normalised: Array, threshold: float, steps: int = FINE) -> dict[str, Array]:
    """Packs the normalised fields of a block.

    The matrix of a head is a product of its mean features and of the probe's kernel, so that its
    rank is at most the width of the head. Where two factors are smaller than a byte per cell,
    they take the place of the matrix: 64 heads of width 4 with 100 classes take 100 kB.

    Args:
        normalised: (N, C, C), from `normalise`.
        threshold: share of the largest field above which a field counts as recognised.
        steps: number of steps from 0 to 1 where a cell is one byte.

    Returns:
        Either `left` (N, C, R) and `right` (N, R, C) uint16 and `scale` (N,) float32: the fields
        are scale * (left - MIDDLE) @ (right - MIDDLE). Or `cells` (N, C, C) uint8: the fields are
        (cells - 128) / steps, where values below -1 are stored as -1 and rounding moves no value
        across the threshold.
    """
    classes = normalised.shape[1]
    if classes >= FEWEST:
        left, values, right = np.linalg.svd(normalised.astype("float32"), full_matrices=False)
        rank = max(1, int((values > RANK_ERROR * values[:, :1]).sum(axis=1).max()))
        if 4 * rank < classes:  # two factors of two bytes
            root = np.sqrt(values[:, :rank])
            left, right = left[:, :, :rank] * root[:, None], right[:, :rank] * root[:, :, None]
            left, left_scale = _as_uint16(left)
            right, right_scale = _as_uint16(right)
            return {"left": left, "right": right, "scale": left_scale * right_scale}
    limit = np.floor(np.float32(threshold * steps))
    cells = np.rint(np.clip(normalised, -1, 1) * steps)
    above = normalised > threshold
    cells = np.where(above, np.maximum(cells, limit + 1), np.minimum(cells, limit))
    return {"cells": (cells + 128).astype("uint8")}


def unpack_fields(packed: dict[str, Array], steps: int = FINE) -> Array:
    """Returns the fields (N, C, C) float32 of `pack_fields`, as the page computes them."""
    if "cells" in packed:
        return (packed["cells"].astype("float32") - 128) / steps
    left, right = (packed[name].astype("float32") - MIDDLE for name in ("left", "right"))
    product = left @ right
    return packed["scale"][:, None, None] * product


def _as_uint16(values):
    largest = np.maximum(abs(values).max(axis=(1, 2)), np.finfo("float32").tiny)
    scaled = np.rint(values * ((MIDDLE - 1) / largest)[:, None, None]) + MIDDLE
    return scaled.astype("uint16"), (largest / (MIDDLE - 1)).astype("float32")
