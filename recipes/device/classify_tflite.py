"""Classifies an image, or all images of a folder, with a .tflite file that cctzoo exported.

    pip install numpy pillow ai-edge-litert
    python classify_tflite.py model.tflite photo.jpg
    python classify_tflite.py model.tflite photos/ --top 3 --threads 4

The device needs only this file and the three packages, not Keras, TensorFlow or cctzoo. Class
names, preprocessing and the view are read from the .tflite file. The view is how an image of any
size becomes the model's input, as in training: the image is turned upright, converted to the
model's colours, resized and cropped. A model that was trained on arrays of one size has no view:
it takes images of that size, and with `--resize` all others in the view that cctzoo uses for image
files.
"""

import argparse
import collections
import contextlib
import io
import json
import math
import os
import sys
import time
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

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
        except (ValueError, OSError, MemoryError) as error:
            failed += 1
            print(printable(f"{path}: {error}"), file=sys.stderr)
            continue
        start = time.perf_counter()
        probabilities = model.graph(image)
        milliseconds = 1e3 * (time.perf_counter() - start)
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
            view = self.view = DEFAULT_VIEW if inputs["view"] is None and resize else inputs["view"]
            self.normalised = inputs["normalised_in_the_model"]
            self.mean = np.broadcast_to(inputs["mean"] or 0, channels)  # None: in the model
            self.std = np.broadcast_to(inputs["std"] or 0, channels)
            self.mode = {count: mode for mode, count in MODES.items()}[channels]
            self.orient = (view or DEFAULT_VIEW)["orient"]
            if view is not None:
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


# The rest, apart from the arguments, is the same in both scripts.


class Graph:
    """The graph of a .tflite file: a function from one sample to probabilities with names."""

    def __init__(self, path, threads):
        from ai_edge_litert.interpreter import Interpreter

        with complete(path):
            with zipfile.ZipFile(path) as archive:
                about = json.loads(archive.read("metadata.json"))
            self.interpreter = Interpreter(str(path), num_threads=threads)
            self.interpreter.allocate_tensors()
            (self.input,) = self.interpreter.get_input_details()
            (self.output,) = self.interpreter.get_output_details()
            self.batch, *self.shape = map(int, self.input["shape"])
            count = int(self.output["shape"][-1])
            self.inputs, self.kind, self.decision = (
                about[name] for name in ("input", "output", "decision")
            )
            self.names = about["class_names"] or [f"class {i}" for i in range(count)]
            if self.inputs["shape"] != self.shape or len(self.names) != count:
                raise ValueError("the metadata are those of another graph")
            self.negative = about["negative_class_name"]
        if self.kind == "features":
            raise ValueError(f"{path} returns features: it has no classes")

    def __call__(self, sample):
        """The probabilities of the classes or labels for one sample."""
        self.interpreter.set_tensor(self.input["index"], np.stack([sample] * self.batch))
        self.interpreter.invoke()
        output = self.interpreter.get_tensor(self.output["index"])[0].astype("float64")
        if self.kind == "logits" and self.decision == "threshold":
            return 1 / (1 + np.exp(-output))
        if self.kind == "logits":
            output = np.exp(output - output.max())
            output /= output.sum()
        return output

    def answer(self, probabilities, top):
        """The `top` most probable classes; of independent labels, by default all above 50 %."""
        names = self.names
        if self.negative is not None:  # of a model with one output
            names, probabilities = [self.negative, *names], [1 - probabilities[0], probabilities[0]]
        elif self.decision == "threshold" and top is None:
            top = max(np.count_nonzero(probabilities > 0.5), len(names) == 1)
        best = np.argsort(-np.asarray(probabilities), kind="stable")[: 1 if top is None else top]
        return ", ".join(f"{names[i]} {probabilities[i]:.1%}" for i in best) or "no label"


@contextlib.contextmanager
def complete(path):
    """Turns every error of the block, on a file that is not as it should be, into one line."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} was not exported by this version of cctzoo, or is damaged "
            f"({type(error).__name__}: {error})"
        ) from error


def printable(text):
    """The text with escapes for control characters, line ends and invalid Unicode."""
    escaped = ("Cc", "Cs", "Zl", "Zp")
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each) in escaped else each
        for each in str(text)
    )


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
        parser.exit(2, f"classify_tflite.py: no such file: {options.model}\n")
    return options


if __name__ == "__main__":
    main()
