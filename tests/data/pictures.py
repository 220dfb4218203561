"""Image files for tests."""

import io

import numpy as np
from PIL import Image

from cctzoo import data


def picture(seed, height=20, width=30, mode="RGB"):
    """A PIL image of smooth noise."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (5, 7, 3)).astype("uint8")
    return Image.fromarray(pixels).resize((width, height)).convert(mode)


def encoded(image, form="PNG"):
    """The bytes of an image file."""
    stream = io.BytesIO()
    image.save(stream, form)
    return stream.getvalue()


def save_classes(root, counts, suffix=".png", **picture_options):
    """Writes class folders, `counts` = {class name: images} of several sizes; returns the root."""
    for label, (name, count) in enumerate(counts.items()):
        folder = root / name
        folder.mkdir(parents=True)
        for i in range(count):
            image = picture(100 * label + i, 20 + i, 30 - i, **picture_options)
            image.save(folder / f"{i:03}{suffix}")
    return root


def load_pictures(root, **options):
    """The folder data set at `root`, decoded to 18x27 pixels, without a held-out part."""
    return data.load(f"folder:{root}", **{"image_size": (18, 27), "validation": 0} | options)
