"""Mixup and CutMix of neighbours in a batch: images in compiled code, targets on the host.

Images 2i and 2i + 1 are mixed with each other. The order of a batch is random, so that any
fixed pairing is equivalent. This one stays within each device's part of a batch, so that
several devices compute the same as one. (Keras' MixUp and CutMix draw a weight per image and
partners from the whole batch; the published recipes draw one weight per batch.)
"""

import numpy as np
from keras import ops

from cctzoo.data.augmentation.pixels import inside
from cctzoo.typing import Array, Tensor


def draw(
    rng: np.random.Generator, count: int, height: int, width: int, mixup: float, cutmix: float
) -> tuple[Array, Array]:
    """Draws boxes (n, 4) int32 and weights (n,) float32, one draw per batch as in timm.

    Within the box (top, left, bottom, right), the pixels are the partner's (CutMix). Outside,
    they are weight times the image plus (1 - weight) times the partner (mixup). For CutMix,
    the weight is the share of the area outside the box, where the pixels are not mixed.
    """
    use_cutmix = bool(cutmix) and (not mixup or rng.random() < 0.5)
    if not use_cutmix:
        weight = rng.beta(mixup, mixup)
        return np.zeros((count, 4), "int32"), np.full(count, weight, "float32")
    side = np.sqrt(1 - rng.beta(cutmix, cutmix))
    rows, columns = int(height * side), int(width * side)
    centre = rng.integers(height), rng.integers(width)
    top, bottom = np.clip([centre[0] - rows // 2, centre[0] + rows // 2], 0, height)
    left, right = np.clip([centre[1] - columns // 2, centre[1] + columns // 2], 0, width)
    weight = 1 - (bottom - top) * (right - left) / (height * width)
    box = np.array([top, left, bottom, right], "int32")
    return np.tile(box, (count, 1)), np.full(count, weight, "float32")


def unmixed(count: int) -> tuple[Array, Array]:
    """Returns boxes and weights that leave the batch unchanged."""
    return np.zeros((count, 4), "int32"), np.ones(count, "float32")


def mix_targets(targets: Array, weight: Array) -> Array:
    """Mixes targets (B, classes) by weights (B,) in NumPy."""
    weight = weight[:, None]
    pairs = targets.reshape(-1, 2, targets.shape[1])
    return weight * targets + (1 - weight) * pairs[:, ::-1].reshape(targets.shape)


def mix_images(images: Tensor, box: Tensor, weight: Tensor) -> Tensor:
    """Mixes images (B, height, width, channels) by boxes (B, 4) and weights (B,)."""
    shape = images.shape
    pairs = ops.reshape(images, (-1, 2, *shape[1:]))
    partner = ops.reshape(ops.flip(pairs, axis=1), (-1, *shape[1:]))
    weight = ops.reshape(weight, (-1, 1, 1, 1))
    cut = ops.reshape((box[:, 2] > box[:, 0]) & (box[:, 3] > box[:, 1]), (-1, 1, 1, 1))
    blended = ops.where(cut, images, weight * images + (1 - weight) * partner)
    return ops.where(inside(box, shape), partner, blended)
