"""Classifies an image, or all images of a folder, with a .tflite file that cctzoo exported.

    pip install numpy pillow ai-edge-litert
    python classify_tflite.py model.tflite photo.jpg
    python classify_tflite.py model.tflite photos/ --top 3 --threads 4

The device needs this file, tflite_graph.py next to it and the three packages, but not Keras,
TensorFlow or cctzoo. Class
names, preprocessing and the view are read from the .tflite file. The view is how an image of any
size becomes the model's input, as in training: the image is turned upright, converted to the
model's colours, resized and cropped. A model that was trained on arrays of one size has no view:
it takes images of that size, and with `--resize` all others in the view that cctzoo uses for image
files.
"""

import argparse
import collections
import io
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tflite_graph import Graph, check, complete, is_number, printable

# The constants of cctzoo.data. EPS is left out on purpose: Pillow runs Ghostscript for it.
FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "QOI"),
    *("SGI", "TIFF", "WEBP", "TGA"),
)
SUFFIXES = (
    *(".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".ico", ".j2c", ".j2k", ".jfif"),
    *(".icb", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".pbm", ".pcx"),
    *(".pgm", ".png", ".pnm", ".ppm", ".psd", ".qoi", ".sgi", ".tga", ".tif", ".tiff", ".vda"),
    *(".vst", ".webp"),
)
# Written by operating systems and network drives; skipped like hidden files.
SYSTEM_FILES = (
    *("desktop.ini", "ehthumbs.db", "ehthumbs_vista.db", "icon\r", "thumbs.db"),
    "thumbs.db:encryptable",
)
SYSTEM_FOLDERS = (
    *("#recycle", "$recycle.bin", "@eadir", "__macosx", "lost+found"),
    "system volume information",
)
MODES = {"L": 1, "RGB": 3}  # Pillow's name and the number of channels
ORIENTATION = 0x0112  # the EXIF tag; 1 is upright
# Pillow's names of the operations that make an image upright; the values of the tag are 2 to 8.
OPERATIONS = "FLIP_LEFT_RIGHT ROTATE_180 FLIP_TOP_BOTTOM TRANSPOSE ROTATE_270 TRANSVERSE ROTATE_90"
TRANSPOSES = dict(enumerate(OPERATIONS.split(), start=2))
INTERPOLATIONS = ("bicubic", "bilinear")
MOST_PIXELS = 2**26  # of a resized image, before it is cropped
DEFAULT_VIEW = {"orient": True, "crop_pct": 0.9, "interpolation": "bicubic"}


def main():
    options = parse_arguments()
    sys.stdout.reconfigure(errors="backslashreplace")  # for a terminal without Unicode
    try:
        model = ImageModel(options.model, options.threads, options.resize)
        paths = image_paths(options.images)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.exit(printable(f"classify_tflite.py: {error}"))
    failed = 0
    for path in paths:
        try:
            image = model.read(path)
            start = time.perf_counter()
            probabilities = model.graph(image)
            milliseconds = 1e3 * (time.perf_counter() - start)
        except (ValueError, OSError, MemoryError) as error:
            failed += 1
            reason = error if str(error) else type(error).__name__  # MemoryError has no text
            print(printable(f"{path}: {reason}"), file=sys.stderr)
            continue
        answer = model.graph.answer(probabilities, options.top)
        print(printable(f"{path}: {answer}  ({milliseconds:.1f} ms)"))
    sys.exit(1 if failed else 0)


class ImageModel:
    """The graph of a .tflite file, and how it reads images."""

    def __init__(self, path, threads, resize):
        self.graph = Graph(path, threads)
        inputs = self.graph.inputs
        if len(self.graph.shape) != 3:
            raise ValueError(f"{path} takes texts: use classify_text_tflite.py")
        self.height, self.width, channels = self.graph.shape
        if channels not in MODES.values():
            raise ValueError(f"{path} takes {channels} channels, and image files have 1 or 3")
        with complete(path):
            if self.graph.input["dtype"] not in (np.float32, np.int8):
                raise ValueError("its input is not pixels")
            check(inputs, "view", lambda value: value is None or isinstance(value, dict))
            view = self.view = DEFAULT_VIEW if inputs["view"] is None and resize else inputs["view"]
            check(inputs, "normalised_in_the_model", (True, False))
            self.normalised = inputs["normalised_in_the_model"]
            for name in ("mean", "std"):
                check(inputs, name, lambda value: is_pixel(value, channels))
            if not self.normalised:
                check(inputs, "mean", lambda value: value is not None)
                check(inputs, "std", lambda value: value is not None and np.min(value) > 0)
            self.mean = np.broadcast_to(inputs["mean"] or 0, channels)  # None: in the model
            self.std = np.broadcast_to(inputs["std"] or 0, channels)
            self.mode = {count: mode for mode, count in MODES.items()}[channels]
            self.orient = (view or DEFAULT_VIEW)["orient"]
            if view is not None:
                check(view, "orient", (True, False))
                check(view, "crop_pct", lambda value: is_number(value) and 0 < value <= 1)
                check(view, "interpolation", INTERPOLATIONS)
                share, sides = view["crop_pct"], (self.width, self.height)
                self.least = [math.floor(side / share) for side in sides]
                self.filter = Image.Resampling[view["interpolation"].upper()]

    def read(self, path):
        """(height, width, channels) float32; OSError or ValueError if the file cannot be read."""
        if not path.is_file():  # reading a pipe would not end
            raise ValueError("not a file")
        image = self.crop(convert(decode(path.read_bytes(), self.orient), self.mode))
        pixels = np.asarray(image).reshape(self.height, self.width, len(self.mode))
        pixels = pixels if self.normalised else (pixels / 255 - self.mean) / self.std
        return pixels.astype("float32")

    def crop(self, image):
        """The centre of the image, of the model's size. As `View.crop` of cctzoo."""
        width, height = self.width, self.height
        if self.view is None:
            if image.size != (width, height):
                raise ValueError(
                    f"the image has {image.width}x{image.height} pixels, the model takes {width}x"
                    f"{height} and was not trained on image files. --resize resizes and crops"
                )
            return image
        pairs = list(zip(image.size, self.least, strict=True))
        scale = max(least / side for side, least in pairs)
        size = [max(int(side * scale + 1e-6), least) for side, least in pairs]
        if size[0] * size[1] > MOST_PIXELS:
            raise ValueError(
                f"the image of {image.width}x{image.height} pixels would be resized to "
                f"{size[0]}x{size[1]}, more than {MOST_PIXELS}"
            )
        image = image.resize(size, self.filter)
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        return image.crop((left, top, left + width, top + height))


def decode(data, orient):
    """A PIL image in its own mode. As `decode` of cctzoo."""
    try:
        image = Image.open(io.BytesIO(data), formats=formats())
        image.load()
    # Not only OSError: Pillow's decoders raise SyntaxError, struct.error, ... on broken data.
    except Exception as error:
        raise ValueError(f"not a readable image ({error})") from error
    transpose = TRANSPOSES.get(orientation(image)) if orient else None
    return image.transpose(Image.Transpose[transpose]) if transpose else image


def formats(but=None):
    Image.init()  # registers all formats
    return [name for name in FORMATS if name in Image.OPEN and name != but]  # AVIF is optional


def orientation(image):
    """The value of the EXIF tag; 1 without it, None if it cannot be read."""
    try:
        return image.getexif().get(ORIENTATION, 1)
    # Pillow raises SyntaxError, struct.error, ... on broken EXIF data.
    except Exception:
        return None


def convert(image, mode):
    """The image in another mode; transparency is dropped. As `convert` of cctzoo."""
    if image.mode.startswith(("I", "F")):
        raise ValueError("the image has more than 8 bits per channel")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # as Pillow recommends in a warning
    return image.convert(mode)


def is_pixel(value, channels):
    """Whether a value is None, a number, or a number for each channel."""
    numbers = isinstance(value, list) and len(value) == channels and all(map(is_number, value))
    return value is None or is_number(value) or numbers


def image_paths(path):
    """The file, or the images of the folder in alphabetical order, as in training.

    Hidden files and those of the system are ignored; other files are counted by suffix.
    """
    if not path.is_dir():
        if not path.is_file():
            raise ValueError(f"no such file or folder: {path}")
        return [path]
    paths, others = [], collections.Counter()
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if is_listed(name, SYSTEM_FOLDERS)]
        for each in (Path(folder, name) for name in files if is_listed(name, SYSTEM_FILES)):
            suffix = each.suffix.lower()
            if suffix in SUFFIXES or (not suffix and each.is_file() and is_image(each)):
                paths.append(each)
            else:
                others[suffix or "without a suffix"] += 1
    if others:
        counts = ", ".join(f"{count} {suffix}" for suffix, count in sorted(others.items()))
        print(printable(f"{path}: not read: {counts}"), file=sys.stderr)
    if not paths:
        raise ValueError(f"no images in {path}")
    return sorted(paths)


def is_listed(name, system):
    return name[0] != "." and name.lower() not in system


def is_image(path):
    """Whether the first bytes are those of an image. As `is_image` of cctzoo."""
    try:
        with Image.open(path, formats=formats(but="TGA")):
            return True
    except Exception as error:
        return isinstance(error, Image.DecompressionBombError)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a .tflite file")
    parser.add_argument("images", type=Path, help="an image, or a folder with images")
    parser.add_argument("--top", type=int, help="classes to print (1, or the labels over 50%%)")
    parser.add_argument("--threads", type=int, default=1, help="threads of LiteRT (1)")
    text = "resize and crop images for a model that was not trained on image files"
    parser.add_argument("--resize", action="store_true", help=text)
    options = parser.parse_args()
    if min(options.threads, 1 if options.top is None else options.top) < 1:
        parser.exit(2, "classify_tflite.py: --top and --threads must be at least 1\n")
    if not options.model.is_file():
        parser.exit(2, printable(f"classify_tflite.py: no such file: {options.model}") + "\n")
    return options


if __name__ == "__main__":
    main()
