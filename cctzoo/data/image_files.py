"""Image files: which formats are read, and how they are decoded."""

import functools
import io
import os
from pathlib import PurePath
from typing import Any

from cctzoo.typing import PathLike

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
    *(".icb", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".pbm", ".pcx"),
    *(".pgm", ".png", ".pnm", ".ppm", ".psd", ".qoi", ".sgi", ".tga", ".tif", ".tiff", ".vda"),
    *(".vst", ".webp"),
)
ORIENTATION = 0x0112  # the EXIF tag; 1 is upright
# Pillow's name of the operation that makes an image upright, by the value of the tag.
TRANSPOSES = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def mode_of(channels: int) -> str:
    """The name of the mode with 1 or 3 channels."""
    return {count: mode for mode, count in MODES.items()}[channels]


def has_image_suffix(name: PurePath | str) -> bool:
    """Whether a file's suffix is one of the suffixes of `FORMATS`."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def is_image(path: PathLike) -> bool:
    """Whether a file's first bytes are those of one of the `FORMATS`; its suffix is ignored.

    The pixels are not decoded. TGA files are not recognised, since they have no signature.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=_formats(but="TGA")):
            return True
    # Not only OSError: Pillow raises an error of its own for images that are too large.
    except Exception as error:
        return isinstance(error, Image.DecompressionBombError)


@functools.cache
def _formats(but=None):
    from PIL import Image

    Image.init()  # registers all formats
    # AVIF is optional in Pillow.
    return [name for name in FORMATS if name in Image.OPEN and name != but]


def decode(data: bytes, name: str, *, orient: bool = False, quick: bool = False) -> Any:
    """Decodes bytes to a PIL image in its own mode, with its pixels loaded.

    Of an animation, the first frame is decoded.

    Args:
        data: the encoded image.
        name: the name of the image in error messages.
        orient: rotate and mirror the image as the orientation tag of its camera says. Where the
            tag cannot be read, the image is returned as it is stored, as image viewers show it.
        quick: decode a JPEG at an eighth of its size. The whole file is still read, so that a
            broken file is found in a fraction of the time.

    Raises:
        ValueError: if the data are not an image in one of the `FORMATS`, or broken, or if the
            image has more pixels than Pillow's limit against decompression bombs.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(data), formats=_formats())
        if quick:
            image.draft(None, (1, 1))
        image.load()
    except UnidentifiedImageError as error:  # whose message has the address of the bytes
        raise ValueError(
            f"An image must be readable. Received: {name} (in none of the formats that are read)"
        ) from error
    # Not only OSError: Pillow's decoders raise SyntaxError, struct.error, ... on broken data.
    except Exception as error:
        raise ValueError(f"An image must be readable. Received: {name} ({error})") from error
    return upright(image) if orient else image


def upright(image: Any) -> Any:
    """Rotates and mirrors a PIL image as its orientation tag says."""
    from PIL import Image

    transpose = TRANSPOSES.get(orientation(image))
    # Not ImageOps.exif_transpose, which also writes the EXIF data anew and fails on broken ones.
    return image.transpose(Image.Transpose[transpose]) if transpose else image


def orientation(image: Any) -> int | None:
    """Returns the EXIF orientation of a PIL image, 1 without the tag; None if it is unreadable."""
    try:
        return image.getexif().get(ORIENTATION, 1)
    # Pillow raises SyntaxError, struct.error, ... on broken EXIF data.
    except Exception:
        return None


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
        ValueError: if the image has more than 8 bits per channel, which Pillow would clip, or a
            mode that Pillow cannot convert (LAB to L).
    """
    if is_deep(image.mode):
        raise ValueError(
            "Images must have 8 bits per channel; deeper images would be clipped. "
            f"Received: {name}, of Pillow's mode {image.mode}"
        )
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # as Pillow recommends in a warning
    if not is_convertible(image.mode, mode):
        raise ValueError(
            f"Images must have a mode that Pillow converts to {mode}. "
            f"Received: {name}, of Pillow's mode {image.mode}"
        )
    return image.convert(mode)


@functools.cache
def is_convertible(mode: str, target: str) -> bool:
    """Whether Pillow can convert images from one mode to another."""
    from PIL import Image

    try:
        Image.new(mode, (1, 1)).convert(target)
    except ValueError:
        return False
    return True
