"""Mixup and cutmix of neighbours in a batch: images in compiled code, targets on the host.

Image 2i is mixed with 2i + 1, and the other way round. The order of a batch is random, so
that any fixed pairing is as good as another; this one stays within each device's part of a
batch, so that several devices give what one gives. (Keras' MixUp and CutMix draw a weight for
every image and partners from the whole batch; the published recipes draw one weight a batch.)
"""

import numpy as np
from keras import ops

from cctzoo.data.augmentation.pixels import inside


def draw(rng, count, height, width, mixup, cutmix):
    """Boxes (n, 4) int32 and weights (n,) float32: one draw for the batch, as in timm.

    A pixel within its box (top, left, bottom, right) is the partner's. Outside, a pixel is
    the image's own times weight plus the partner's times the rest: for mixup. The weight of
    cutmix is the part of the area that stays the image's own, and its pixels are not mixed.
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


def unmixed(count):
    """Boxes and weights that leave the batch as it is."""
    return np.zeros((count, 4), "int32"), np.ones(count, "float32")


def mix_targets(targets, weight):
    """(B, classes) and (B,) -> (B, classes), in NumPy."""
    weight = weight[:, None]
    pairs = targets.reshape(-1, 2, targets.shape[1])
    return weight * targets + (1 - weight) * pairs[:, ::-1].reshape(targets.shape)


def mix_images(images, box, weight):
    """(B, height, width, channels), (B, 4), (B,) -> images."""
    shape = images.shape
    pairs = ops.reshape(images, (-1, 2, *shape[1:]))
    partner = ops.reshape(ops.flip(pairs, axis=1), (-1, *shape[1:]))
    weight = ops.reshape(weight, (-1, 1, 1, 1))
    cut = ops.reshape((box[:, 2] > box[:, 0]) & (box[:, 3] > box[:, 1]), (-1, 1, 1, 1))
    blended = ops.where(cut, images, weight * images + (1 - weight) * partner)
    return ops.where(inside(box, shape), partner, blended)
