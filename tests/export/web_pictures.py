"""Pictures for the page in the browser: sizes, orientations, colours, and ways to store them."""

from pathlib import Path

import numpy as np
from PIL import Image

# The JPEG is decoded by two programs, which may round in different ways.
LOSSY = ("photo.jpg", "turned.jpg")


def scene(seed: int, width: int, height: int) -> Image.Image:
    """A picture with soft colours, edges and some noise, in RGB."""
    generator = np.random.default_rng(seed)
    small = generator.integers(0, 256, (5, 6, 3), "uint8")
    image = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    image = image.astype("int64") + generator.integers(-12, 13, image.shape)
    y, x = np.mgrid[:height, :width]
    inside = (x - 0.6 * width) ** 2 + (y - 0.4 * height) ** 2 < (0.25 * min(width, height)) ** 2
    image[inside] = 255 - image[inside]
    return Image.fromarray(np.clip(image, 0, 255).astype("uint8"))


def oriented(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def write_pictures(folder: Path) -> list[Path]:
    """Writes more than ten pictures, of which all but `LOSSY` are stored without loss."""
    alpha = scene(4, 90, 70).convert("RGBA")
    alpha.putalpha(scene(5, 90, 70).convert("L"))
    palette = scene(6, 120, 80).quantize(60)
    images = {
        "exact.png": (scene(0, 32, 32), {}),
        "large.png": (scene(1, 605, 401), {}),
        "tall.png": (scene(2, 41, 333), {}),
        "tiny.png": (scene(3, 7, 5), {}),
        "alpha.png": (alpha, {}),
        "palette.png": (palette, {}),
        "transparent_palette.png": (palette, {"transparency": 3}),
        "grey.png": (scene(7, 64, 99).convert("L"), {}),
        "grey_alpha.png": (scene(8, 77, 50).convert("LA"), {}),
        "bilevel.png": (scene(9, 61, 61).convert("1"), {}),
        **{f"turned_{i}.png": (scene(10 + i, 88, 50), {"exif": oriented(i)}) for i in range(2, 9)},
        "lossless.webp": (scene(20, 150, 111), {"lossless": True, "exif": oriented(8)}),
        "photo.jpg": (scene(21, 640, 427), {"quality": 90}),
        "turned.jpg": (scene(22, 300, 200), {"quality": 90, "exif": oriented(6)}),
    }
    paths = []
    for name, (image, options) in images.items():
        paths.append(folder / name)
        image.save(paths[-1], **options)
    return paths
