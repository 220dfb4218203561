"""Changes of pixels in `keras.ops`: warps, operations on values, noise.

Images are float32 (B, H, W, C) with integer values 0-255 before and after each operation.
Pillow's ImageOps and ImageEnhance define the operations. Keras' layers of the same names draw
one operation per batch, or values from another range; see `policies`.
"""

import math
from collections.abc import Sequence

from keras import ops

from cctzoo.typing import Tensor


def transform(
    images: Tensor,
    operation: Tensor,
    amount: Tensor,
    matrices: Tensor,
    fill: float | Sequence[float],
) -> Tensor:
    """Applies one operation to every image: a warp, an operation on values, or none.

    Args:
        images: (B, H, W, C) with integer values 0-255.
        operation: (B,) number of the operation on values, counted from 1; 0 for none.
        amount: (B,) argument of the operation.
        matrices: (B, 6) the warp; the identity for no warp.
        fill: value outside the image, one number or one per channel.
    """
    images = ops.floor(warp(images, matrices, fill) + 0.5)
    operation, amount = (ops.reshape(x, (-1, 1, 1, 1)) for x in (operation, amount))
    result = images
    for index, operate in enumerate(OPERATIONS, 1):
        result = ops.where(operation == index, operate(images, amount), result)
    return result


def warp(images: Tensor, matrices: Tensor, fill: float | Sequence[float] | None = None) -> Tensor:
    """Warps images (B, H, W, C) bilinearly by matrices (B, 6), from output to input coordinates.

    Pixels outside the image are `fill`, or the nearest pixel if `fill` is `None`.

    `keras.ops.image.affine_transform` is similar, but takes 12 times as long under PyTorch and
    24 times as long under JAX (128 images of 32x32x3, 2 cores).
    """
    _, height, width, channels = images.shape
    count = ops.shape(images)[0]
    matrices = ops.reshape(ops.cast(matrices, "float32"), (-1, 6, 1, 1))
    x = ops.arange(width, dtype="float32") + 0.5  # centres
    y = ops.reshape(ops.arange(height, dtype="float32") + 0.5, (-1, 1))
    x_in = matrices[:, 0] * x + matrices[:, 1] * y + matrices[:, 2]  # (B, H, W)
    y_in = matrices[:, 3] * x + matrices[:, 4] * y + matrices[:, 5]
    left, top = ops.floor(x_in - 0.5), ops.floor(y_in - 0.5)
    right_part = ops.expand_dims(x_in - 0.5 - left, -1)
    lower_part = ops.expand_dims(y_in - 0.5 - top, -1)
    left, top = ops.cast(left, "int32"), ops.cast(top, "int32")
    columns = [ops.clip(left + k, 0, width - 1) for k in (0, 1)]
    first = ops.reshape(ops.arange(count, dtype="int32") * (height * width), (-1, 1, 1))
    rows = [first + ops.clip(top + k, 0, height - 1) * width for k in (0, 1)]
    flat = ops.reshape(images, (-1, channels))

    def between(row):
        near = ops.take(flat, row + columns[0], axis=0)  # (B, H, W, C)
        far = ops.take(flat, row + columns[1], axis=0)
        return near + right_part * (far - near)

    upper, lower = between(rows[0]), between(rows[1])
    warped = upper + lower_part * (lower - upper)
    if fill is None:
        return warped
    seen = (x_in >= 0) & (x_in < width) & (y_in >= 0) & (y_in < height)
    return ops.where(ops.expand_dims(seen, -1), warped, ops.cast(fill, "float32"))


def inside(box: Tensor, shape: Sequence[int]) -> Tensor:
    """Returns a mask (B, H, W, 1) of boxes (B, 4): top, left, bottom, right."""
    box = ops.reshape(box, (-1, 4, 1, 1))
    y = ops.reshape(ops.arange(shape[1], dtype="int32"), (-1, 1))
    x = ops.arange(shape[2], dtype="int32")
    within = (y >= box[:, 0]) & (x >= box[:, 1]) & (y < box[:, 2]) & (x < box[:, 3])
    return ops.expand_dims(within, -1)


def normal_noise(seeds: Tensor, shape: Sequence[int]) -> Tensor:
    """Returns standard normal noise (B, *shape) for int32 seeds (B,), equal on all backends."""
    size = math.prod(shape)
    place = ops.arange(2 * size, dtype="int32")
    uniform = _hashed(place + _mixed(ops.reshape(seeds, (-1, 1))))  # (B, 2 size)
    # Box-Muller transform: a radius from one number, an angle from the other.
    radius = ops.sqrt(-2.0 * ops.log(uniform[:, :size]))
    normal = radius * ops.cos(2 * math.pi * uniform[:, size:])
    return ops.reshape(normal, (-1, *shape))


def _hashed(x):
    """Hashes int32 to uniform float32 in (0, 1)."""
    return (ops.cast(_mixed(x) & 0xFFFFFF, "float32") + 0.5) / 2**24


def _mixed(x):
    """A bijection of int32 that scatters neighbours (constants of Chris Wellons' lowbias32)."""
    x = x ^ (ops.right_shift(x, 16) & 0xFFFF)  # a logical shift of a signed number
    x = x * 0x7FEB352D
    x = x ^ (ops.right_shift(x, 15) & 0x1FFFF)
    x = x * (0x846CA68B - 2**32)
    return x ^ (ops.right_shift(x, 16) & 0xFFFF)


def auto_contrast(images: Tensor, _: Tensor) -> Tensor:
    """Stretches each channel to 0-255."""
    low, high = (f(images, axis=(1, 2), keepdims=True) for f in (ops.min, ops.max))
    scale = 255.0 / ops.maximum(high - low, 1.0)
    stretched = ops.clip(ops.floor(images * scale - low * scale), 0.0, 255.0)
    return ops.where(high > low, stretched, images)


def equalize(images: Tensor, _: Tensor) -> Tensor:
    """Equalises the histogram of each channel."""
    _, height, width, channels = images.shape
    count = ops.shape(images)[0]
    first = ops.reshape(ops.arange(count * channels, dtype="int32") * 256, (-1, 1, 1, channels))
    value = first + ops.cast(images, "int32")  # (B, H, W, C): separate bins per image and channel
    ones = ops.ones_like(ops.reshape(images, (-1,)))
    histogram = ops.segment_sum(ones, ops.reshape(value, (-1,)), count * channels * 256)
    histogram = ops.reshape(histogram, (-1, 256))
    below = ops.cumsum(histogram, axis=1) - histogram
    highest = ops.max(images, axis=(1, 2), keepdims=True)  # its pixels are not counted
    last = ops.take(ops.reshape(histogram, (-1,)), first + ops.cast(highest, "int32"), axis=0)
    step = ops.floor((height * width - last) / 255.0)
    below = ops.take(ops.reshape(below, (-1,)), value, axis=0)
    even = ops.floor((ops.floor(step / 2) + below) / ops.maximum(step, 1.0))
    return ops.where(step > 0, ops.minimum(even, 255.0), images)


def invert(images: Tensor, _: Tensor) -> Tensor:
    return 255.0 - images


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Keeps the upper `bits` of eight bits."""
    size = ops.power(2.0, 8.0 - bits)
    return ops.floor(images / size) * size


def solarize(images: Tensor, threshold: Tensor) -> Tensor:
    """Inverts the values at and above the threshold."""
    return ops.where(images < threshold, images, 255.0 - images)


def solarize_add(images: Tensor, addition: Tensor) -> Tensor:
    """Brightens the values below 128."""
    return ops.where(images < 128.0, ops.minimum(images + addition, 255.0), images)


def color(images: Tensor, factor: Tensor) -> Tensor:
    return _blend(grey(images), images, factor)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    level = ops.floor(ops.mean(grey(images), axis=(1, 2), keepdims=True) + 0.5)
    return _blend(level, images, factor)


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    return _blend(0.0, images, factor)


def sharpness(images: Tensor, factor: Tensor) -> Tensor:
    """Blends with a smoothed image (3x3 kernel, centre weight five); factors above 1 sharpen."""
    down = images[:, :-2] + images[:, 1:-1] + images[:, 2:]
    box = down[:, :, :-2] + down[:, :, 1:-1] + down[:, :, 2:]
    inner = images[:, 1:-1, 1:-1]
    smooth = ops.floor((box + 4.0 * inner) / 13.0 + 0.5)
    change = ops.pad(smooth - inner, ((0, 0), (1, 1), (1, 1), (0, 0)))  # the rim is unchanged
    return _blend(images + change, images, factor)


def grey(images: Tensor) -> Tensor:
    """Returns the ITU-R 601 luma (B, H, W, 1); images with one channel are unchanged."""
    if images.shape[-1] == 1:
        return images
    weights = ops.convert_to_tensor([0.299, 0.587, 0.114], "float32")
    return ops.floor(ops.sum(images * weights, axis=-1, keepdims=True) + 0.5)


def _blend(degenerate, images, factor):
    return ops.clip(ops.floor(degenerate + factor * (images - degenerate)), 0.0, 255.0)


# In the order of `policies.VALUE_OPERATIONS`.
OPERATIONS = (
    auto_contrast,
    equalize,
    invert,
    posterize,
    solarize,
    solarize_add,
    color,
    contrast,
    brightness,
    sharpness,
)
