"""Mean and standard deviation of pixels, per channel."""

import numpy as np

from cctzoo.data.encoded_images import EncodedImages


def pixel_statistics(x: np.ndarray | EncodedImages) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measures (mean, std) of the pixels, scaled to [0, 1], one number per channel each.

    Args:
        x: images (n, height, width, channels) uint8. Of `EncodedImages`, the evaluation views
            of at most 1,000 images are measured; the same ones on every call.
    """
    counts = np.zeros((x.shape[-1], 256), "int64")
    for pixels in _pixels(x):
        for count, channel in zip(counts, np.moveaxis(pixels, -1, 0), strict=True):
            count += np.bincount(channel.ravel(), minlength=256)
    levels = np.arange(256) / 255
    mean, std = [], []
    for count in counts:
        weight = count / count.sum()
        centre = float(weight @ levels)
        mean.append(centre)
        # A channel without contrast must not be divided by zero: 1/255 is one level.
        std.append(max(float(np.sqrt(weight @ (levels - centre) ** 2)), 1 / 255))
    return tuple(mean), tuple(std)


def _pixels(x, most=1000, at_once=50):
    """Yields the pixels of all images, in pieces that fit into memory."""
    if not isinstance(x, EncodedImages):
        yield x
        return
    sample = np.random.default_rng(0).permutation(len(x))[:most]
    for start in range(0, len(sample), at_once):
        yield x.batch(sample[start : start + at_once])
