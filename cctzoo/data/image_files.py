"""Image files: which formats are read, and how they are decoded."""

import io
from pathlib import PurePath
from typing import Any

MODES = {"L": 1, "RGB": 3}  # Pillow's name and the number of channels
# Pillow's formats for pictures. The others are left out on purpose: for EPS, Pillow runs
# Ghostscript. TGA is the last one, because its files have no signature.
FORMATS = (
    "AVIF",
    "BMP",
    "DIB",
    "GIF",
    "ICO",
    "JPEG",
    "JPEG2000",
    "PCX",
    "PNG",
    "PPM",
    "PSD",
    "QOI",
    "SGI",
    "TIFF",
    "WEBP",
    "TGA",
)
SUFFIXES = (
    *(".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".ico", ".j2c", ".j2k", ".jfif"),
    *(".jp2", ".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".pbm", ".pcx", ".pgm", ".png"),
    *(".pnm", ".ppm", ".psd", ".qoi", ".sgi", ".tga", ".tif", ".tiff", ".webp"),
)


def has_image_suffix(name: PurePath | str) -> bool:
    """Whether a file's suffix is one of the suffixes of `FORMATS`."""
    return PurePath(name).suffix.lower() in SUFFIXES


def decode(data: bytes, name: str, *, orient: bool = False, quick: bool = False) -> Any:
    """Decodes bytes to a PIL image in its own mode, with its pixels loaded.

    Of an animation, the first frame is decoded.

    Args:
        data: the encoded image.
        name: the name of the image in error messages.
        orient: rotate and mirror the image as the orientation tag of its camera says.
        quick: decode a JPEG at an eighth of its size. The whole file is still read, so that a
            broken file is found in a fraction of the time.

    Raises:
        ValueError: if the data are not an image in one of the `FORMATS`, or broken.
    """
    from PIL import Image, ImageOps

    Image.init()  # registers all formats
    formats = [each for each in FORMATS if each in Image.OPEN]  # AVIF is optional in Pillow
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
        if quick:
            image.draft(None, (1, 1))
        image.load()
        if orient:
            ImageOps.exif_transpose(image, in_place=True)
    # Not only OSError: Pillow's decoders raise SyntaxError, struct.error, ... on broken data.
    except Exception as error:
        raise ValueError(f"An image must be readable. Received: {name} ({error})") from error
    return image


def is_deep(mode: str) -> bool:
    """Whether a mode of Pillow has more than 8 bits per channel."""
    return mode.startswith(("I", "F"))


def convert(image: Any, mode: str, name: str) -> Any:
    """Converts a PIL image to another mode by Pillow's rules; transparency is dropped.

    Args:
        image: the image.
        mode: `"RGB"` or `"L"`.
        name: the name of the image in error messages.

    Raises:
        ValueError: if the image has more than 8 bits per channel, which Pillow would clip.
    """
    if is_deep(image.mode):
        raise ValueError(
            "Images must have 8 bits per channel; deeper images would be clipped. "
            f"Received: {name}, of Pillow's mode {image.mode}"
        )
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # as Pillow recommends in a warning
    return image.convert(mode)
