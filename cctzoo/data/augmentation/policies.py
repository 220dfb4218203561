"""RandAugment and AutoAugment: the operation and its strength for every image of a batch.

Keras' own RandAugment draws one set of operations for the whole batch, and magnitudes
uniformly from zero; the published recipes draw per image, and around magnitude 9.
"""

import numpy as np

from cctzoo.typing import Array

# Operations on values, in the order of `pixels.OPERATIONS`, numbered from 1; 0 is no operation.
VALUE_OPERATIONS = (
    "auto_contrast",
    "equalize",
    "invert",
    "posterize",
    "solarize",
    "solarize_add",
    "color",
    "contrast",
    "brightness",
    "sharpness",
)
WARPS = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
ALL = VALUE_OPERATIONS + WARPS
ENHANCEMENTS = ("color", "contrast", "brightness", "sharpness")
TOP_LEVEL = 10  # of RandAugment's magnitudes


def randaugment_amount(name: str, level: Array, sign: Array) -> Array:
    """Returns the operation's argument at levels 0-10, as in timm's "increasing" variants.

    Units: degrees, slopes, shares of the side, factors, bits to keep, thresholds.
    """
    part = level / TOP_LEVEL
    if name in ENHANCEMENTS:
        return np.maximum(0.1, 1 + sign * 0.9 * part)
    return {
        "rotate": sign * 30 * part,
        "shear_x": sign * 0.3 * part,
        "shear_y": sign * 0.3 * part,
        "translate_x": sign * 0.45 * part,
        "translate_y": sign * 0.45 * part,
        "posterize": 4 - np.floor(4 * part),
        "solarize": 256 - np.floor(256 * part),
        "solarize_add": np.minimum(128, np.floor(110 * part)),
    }.get(name, np.zeros_like(part))


def autoaugment_amount(name: str, level: Array, sign: Array) -> Array:
    """Returns the operation's argument at levels 0-9: AutoAugment's table 6, in nine steps."""
    part = level / 9
    if name in ENHANCEMENTS:
        return 1 + sign * 0.9 * part
    return {
        "rotate": 30 * part,  # only one direction in the code of the legacy recipe
        "shear_x": sign * 0.3 * part,
        "shear_y": sign * 0.3 * part,
        "translate_x": sign * 150 / 331 * part,
        "translate_y": sign * 150 / 331 * part,
        "posterize": np.rint(8 - 4 * part),
        "solarize": 256 - 256 * part,
    }.get(name, np.zeros_like(part))


# AutoAugment's table 7: two (operation, probability, level) per sub-policy.
AUTOAUGMENT_CIFAR10 = (
    (("invert", 0.1, 7), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate_x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear_y", 0.5, 8), ("translate_y", 0.7, 9)),
    (("auto_contrast", 0.5, 8), ("equalize", 0.9, 2)),
    (("shear_y", 0.2, 7), ("posterize", 0.3, 7)),
    (("color", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 5), ("equalize", 0.5, 1)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("color", 0.7, 7), ("translate_x", 0.5, 8)),
    (("equalize", 0.3, 7), ("auto_contrast", 0.4, 8)),
    (("translate_y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("color", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 3)),
    (("equalize", 0.2, 0), ("auto_contrast", 0.6, 0)),
    (("equalize", 0.2, 8), ("equalize", 0.6, 4)),
    (("color", 0.9, 9), ("equalize", 0.6, 6)),
    (("auto_contrast", 0.8, 4), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("color", 0.7, 0)),
    (("solarize", 0.4, 5), ("auto_contrast", 0.9, 3)),
    (("translate_y", 0.9, 9), ("translate_y", 0.7, 9)),
    (("auto_contrast", 0.9, 2), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 8), ("invert", 0.1, 3)),
    (("translate_y", 0.7, 9), ("auto_contrast", 0.9, 1)),
)


def draw_randaugment(
    rng: np.random.Generator,
    count: int,
    height: int,
    width: int,
    operations: int,
    magnitude: float,
    std: float,
) -> dict[str, Array]:
    """Draws `operations` per image, with replacement; each is applied with probability 1/2."""
    size = (count, operations)
    chosen = rng.integers(len(ALL), size=size)
    level = np.clip(rng.normal(magnitude, std, size), 0, TOP_LEVEL)
    applied = rng.random(size) < 0.5
    return _arguments(rng, chosen, level, applied, randaugment_amount, height, width)


def draw_autoaugment(
    rng: np.random.Generator, count: int, height: int, width: int
) -> dict[str, Array]:
    """Draws one of the 25 sub-policies for CIFAR-10 per image."""
    table = np.array(
        [[(ALL.index(name), p, level) for name, p, level in row] for row in AUTOAUGMENT_CIFAR10]
    )  # (25, 2, 3)
    chosen, probability, level = np.moveaxis(table[rng.integers(len(table), size=count)], -1, 0)
    applied = rng.random(chosen.shape) < probability
    return _arguments(rng, chosen, level, applied, autoaugment_amount, height, width)


def _arguments(rng, chosen, level, applied, amount_of, height, width):
    """The arguments of `pixels.transform`, (n, k), (n, k) and (n, k, 6)."""
    sign = rng.choice([-1.0, 1.0], chosen.shape)
    amount = np.zeros(chosen.shape)
    warps = np.broadcast_to(warp_matrix(), (*chosen.shape, 6)).copy()
    for index, name in enumerate(ALL):
        here = (chosen == index) & applied
        amount[here] = amount_of(name, level[here], sign[here])
        if name in WARPS:
            warps[here] = warp_matrix(name, amount[here], height, width)
    values = applied & (chosen < len(VALUE_OPERATIONS))
    return {
        "operation": np.where(values, chosen + 1, 0).astype("int32"),
        "amount": amount.astype("float32"),
        "warp": warps.astype("float32"),
    }


def warp_matrix(
    name: str | None = None, amount: float | Array = 0.0, height: int = 1, width: int = 1
) -> Array:
    """Returns matrices (..., 6) for amounts (...), as Pillow's AFFINE.

    They map output to input coordinates: x_in = a x + b y + c; y_in = d x + e y + f. Pixels are
    unit squares, and the origin is the corner of the image. Shears fix the corner; rotations
    (degrees, counter-clockwise) fix the centre.
    """
    amount = np.asarray(amount, "float64")
    one, none = np.ones_like(amount), np.zeros_like(amount)
    if name == "rotate":
        cos, sin = np.cos(np.radians(amount)), np.sin(np.radians(amount))
        x, y = width / 2, height / 2
        rows = (cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y)
    elif name == "shear_x":
        rows = (one, amount, none, none, one, none)
    elif name == "shear_y":
        rows = (one, none, none, amount, one, none)
    elif name == "translate_x":
        rows = (one, none, amount * width, none, one, none)
    elif name == "translate_y":
        rows = (one, none, none, none, one, amount * height)
    else:
        rows = (one, none, none, none, one, none)
    return np.stack(rows, axis=-1)
