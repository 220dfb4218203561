"""Operations on pixels compared with Pillow, which defines them."""

import numpy as np
import pytest
from keras import ops
from PIL import Image, ImageEnhance, ImageOps

from cctzoo.data.augmentation import pixels, policies

HEIGHT, WIDTH = 23, 17


def photograph(rng, channels=3):
    """Smooth colours with noise, (5, HEIGHT, WIDTH, channels) with integer values."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    images = []
    for _ in range(5):
        phase = rng.uniform(0, 6, (channels, 3))
        waves = [
            np.sin(x / 5 + a) + np.cos(y / 7 + b) + np.sin((x + y) / 3 + c) for a, b, c in phase
        ]
        image = 120 + 30 * np.stack(waves, -1) + rng.normal(0, 9, (HEIGHT, WIDTH, channels))
        images.append(np.clip(np.rint(image), 3, 250))
    return np.array(images, "float32")


PILLOW = {
    "auto_contrast": lambda image, _: ImageOps.autocontrast(image),
    "equalize": lambda image, _: ImageOps.equalize(image),
    "invert": lambda image, _: ImageOps.invert(image),
    "posterize": lambda image, bits: image.point(lambda v: v & ~(2 ** (8 - int(bits)) - 1)),
    "solarize": lambda image, threshold: ImageOps.solarize(image, threshold),
    "solarize_add": lambda image, more: image.point(
        lambda v: min(255, v + int(more)) if v < 128 else v
    ),
    "color": lambda image, factor: ImageEnhance.Color(image).enhance(factor),
    "contrast": lambda image, factor: ImageEnhance.Contrast(image).enhance(factor),
    "brightness": lambda image, factor: ImageEnhance.Brightness(image).enhance(factor),
    "sharpness": lambda image, factor: ImageEnhance.Sharpness(image).enhance(factor),
}
AMOUNTS = {
    "posterize": (0, 1, 5, 8),
    "solarize": (0, 26, 128, 256),
    "solarize_add": (0, 99, 128),
    **dict.fromkeys(policies.ENHANCEMENTS, (0.1, 0.7, 1.0, 1.81)),
}


def transformed(images, operation, amount, matrix=None, fill=128.0):
    count = len(images)
    matrix = policies.warp_matrix() if matrix is None else matrix
    return ops.convert_to_numpy(
        pixels.transform(
            ops.convert_to_tensor(images),
            ops.full((count,), operation, "int32"),
            ops.full((count,), amount, "float32"),
            ops.convert_to_tensor(np.tile(matrix, (count, 1)).astype("float32")),
            fill,
        )
    )


@pytest.mark.parametrize("name", policies.VALUE_OPERATIONS)
def test_value_operations_equal_pillow(name):
    images = photograph(np.random.default_rng(1))
    for amount in AMOUNTS.get(name, (0,)):
        found = transformed(images, 1 + policies.VALUE_OPERATIONS.index(name), amount)
        for image, result in zip(images, found, strict=True):
            picture = PILLOW[name](Image.fromarray(image.astype("uint8")), amount)
            wanted = np.asarray(picture).astype("float32")
            assert np.abs(result - wanted).max() <= 1, amount
            assert (result != wanted).mean() < 0.05, amount  # roundings


@pytest.mark.parametrize("name", policies.WARPS)
def test_warps_equal_pillow(name):
    images = photograph(np.random.default_rng(2))
    for amount in (-0.27, 0.0, 0.3) if name != "rotate" else (-27, 0, 30):
        matrix = policies.warp_matrix(name, amount, HEIGHT, WIDTH)
        found = transformed(images, 0, 0.0, matrix)
        for image, result in zip(images, found, strict=True):
            picture = Image.fromarray(image.astype("uint8"))
            if name == "rotate":
                turned = picture.rotate(amount, Image.BILINEAR, fillcolor=(128,) * 3)
            else:
                turned = picture.transform(
                    picture.size, Image.AFFINE, tuple(matrix), Image.BILINEAR, fillcolor=(128,) * 3
                )
            wanted = np.asarray(turned).astype("float32")
            # Pillow's rotation leaves out a pixel more or less at slanted edges.
            assert np.mean(np.abs(result - wanted) > 1) < 0.02, amount


def test_constant_images():
    """Images without contrast must not be divided by zero."""
    flat = np.full((2, HEIGHT, WIDTH, 3), 77, "float32")
    for name in ("auto_contrast", "equalize", "sharpness", "contrast"):
        found = transformed(flat, 1 + policies.VALUE_OPERATIONS.index(name), 1.9)
        np.testing.assert_array_equal(found, flat)


def test_operations_differ_within_a_batch():
    images = photograph(np.random.default_rng(3))
    operation = np.array([0, 3, 1, 4, 9], "int32")
    amount = np.array([0, 0, 0, 2, 1.5], "float32")
    matrices = np.tile(policies.warp_matrix(), (5, 1)).astype("float32")
    together = ops.convert_to_numpy(
        pixels.transform(ops.convert_to_tensor(images), operation, amount, matrices, 0.0)
    )
    for i in range(5):
        single = transformed(images[i : i + 1], operation[i], amount[i])
        np.testing.assert_array_equal(together[i : i + 1], single)


def test_color_does_not_change_grey_images():
    images = photograph(np.random.default_rng(4), channels=1)
    color = 1 + policies.VALUE_OPERATIONS.index("color")
    np.testing.assert_array_equal(transformed(images, color, 1.9), images)


def test_noise_is_standard_normal_and_seeded():
    noise = ops.convert_to_numpy(
        pixels.normal_noise(ops.convert_to_tensor(np.arange(40, dtype="int32")), (16, 16, 3))
    )
    assert noise.shape == (40, 16, 16, 3)
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    flat = noise.reshape(40, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(40)).max() < 0.2
    assert abs(np.corrcoef(flat[:, 1:].ravel(), flat[:, :-1].ravel())[0, 1]) < 0.02
    # As JAX gave them: every backend must.
    np.testing.assert_allclose(flat[3, :4], NOISE_OF_SEED_3, atol=1e-5)


NOISE_OF_SEED_3 = [1.013222, -0.014032, -0.660008, 2.365089]
