"""Classifies an image, or all images of a folder, with a .tflite file that cctzoo exported.

    pip install numpy ai-edge-litert
    python classify_tflite.py model.tflite photo.png
    python classify_tflite.py model.tflite photos/ --top 3 --threads 4

The device needs only this file and the two packages, not Keras, TensorFlow or cctzoo. It reads
8-bit PNG and PPM files without further packages, and other formats if Pillow is installed (`pip
install pillow`). Class names and preprocessing are read from the .tflite file.
"""

import argparse
import json
import struct
import sys
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np

SUFFIXES = {".png", ".ppm", ".pgm", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def main():
    options = parse_arguments()
    try:
        model = Model(options.model, options.threads)
        paths = image_paths(options.images)
    except (ValueError, OSError) as error:
        sys.exit(f"classify_tflite.py: {error}")
    failed = 0
    for path in paths:
        try:
            image = read_image(path)
        except (ValueError, OSError) as error:
            failed += 1
            print(f"{path}: {error}", file=sys.stderr)
            continue
        start = time.perf_counter()
        probabilities = model(image)
        milliseconds = 1e3 * (time.perf_counter() - start)
        best = np.argsort(-probabilities)[: options.top]
        words = [f"{model.class_names[i]} {probabilities[i]:.1%}" for i in best]
        print(f"{path}: {', '.join(words)}  ({milliseconds:.1f} ms)")
    sys.exit(1 if failed else 0)


class Model:
    """A .tflite file as a function from an image (height, width, channels) to probabilities."""

    def __init__(self, path, threads):
        from ai_edge_litert.interpreter import Interpreter

        try:
            with zipfile.ZipFile(path) as archive:
                self.about = json.loads(archive.read("metadata.json"))
        except (zipfile.BadZipFile, KeyError) as error:
            raise ValueError(
                f"{path} has no metadata: it was not exported by cctzoo, or is truncated"
            ) from error
        if len(self.about["input"]["shape"]) != 3:
            raise ValueError(f"{path} takes texts: use classify_text_tflite.py")
        self.interpreter = Interpreter(str(path), num_threads=threads)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]
        self.output = self.interpreter.get_output_details()[0]
        self.batch, *self.shape = map(int, self.input["shape"])
        count = self.output["shape"][-1]
        self.class_names = self.about["class_names"] or [f"class {i}" for i in range(count)]

    def __call__(self, image):
        height, width, channels = self.shape
        image = resize(to_channels(image, channels), height, width)
        inputs = self.about["input"]
        if not inputs["normalised_in_the_model"]:
            image = (image / 255 - np.array(inputs["mean"])) / np.array(inputs["std"])
        batch = np.repeat(image[None], self.batch, axis=0).astype("float32")
        self.interpreter.set_tensor(self.input["index"], batch)
        self.interpreter.invoke()
        output = self.interpreter.get_tensor(self.output["index"])[0]
        if self.about["output"] == "logits":
            output = np.exp(output - output.max())
            output /= output.sum()
        return output


def to_channels(image, channels):
    """(height, width, 1, 3 or 4) -> 1 or 3 channels as the model takes; alpha is dropped."""
    image = image[..., :3] if image.shape[-1] == 4 else image
    if image.shape[-1] == 3 and channels == 1:
        return image @ np.array([[0.299], [0.587], [0.114]])  # luma, ITU-R BT.601
    if image.shape[-1] == 1 and channels == 3:
        return np.repeat(image, 3, axis=-1)
    if image.shape[-1] != channels:
        raise ValueError(f"the model takes {channels} channels, the image has {image.shape[-1]}")
    return image


def resize(image, height, width):
    """Bilinear, with a wider filter where the image shrinks; changes the aspect ratio."""
    rows, columns = (weights(*sides) for sides in zip(image.shape, (height, width), strict=False))
    return np.einsum("ih,hwc,jw->ijc", rows, image.astype("float64"), columns, optimize=True)


def weights(old, new):
    """(new, old): weights of the old pixels in each new pixel along a side; rows sum to 1."""
    scale = old / new
    centres = (np.arange(new)[:, None] + 0.5) * scale
    distance = np.abs(np.arange(old)[None] + 0.5 - centres) / max(scale, 1)
    triangle = np.maximum(0, 1 - distance)
    return triangle / triangle.sum(axis=1, keepdims=True)


def image_paths(path):
    """The file, or the images of the folder in alphabetical order."""
    if path.is_dir():
        paths = sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES)
        if not paths:
            raise ValueError(f"no images in {path}")
        return paths
    if not path.is_file():
        raise ValueError(f"no such file or folder: {path}")
    return [path]


def read_image(path):
    """(height, width, channels) uint8; OSError or ValueError if the file is not an image."""
    try:
        from PIL import Image, ImageOps
    except ModuleNotFoundError:
        return decode(path.read_bytes())
    with Image.open(path) as image:
        grey = image.mode in ("1", "L")
        pixels = np.asarray(ImageOps.exif_transpose(image).convert("L" if grey else "RGB"))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def decode(data):
    """PNG (8 bits, not interlaced) or binary PPM and PGM."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return decode_png(data)
    if data[:2] in (b"P5", b"P6"):
        fields = data.split(maxsplit=4)
        if len(fields) == 5 and fields[3] == b"255" and not data.startswith(b"#", 3):
            width, height = int(fields[1]), int(fields[2])
            channels = 1 if data[:2] == b"P5" else 3
            size = width * height * channels
            if size and len(data) >= size:
                return np.frombuffer(data[-size:], "uint8").reshape(height, width, channels)
    raise ValueError("not an 8-bit PNG or PPM image; for other formats: pip install pillow")


def decode_png(data):
    """The PNG specification's chunks and row filters, on 8-bit grey, RGB or RGBA."""
    chunks, at = {}, 8
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunks[kind] = chunks.get(kind, b"") + data[at + 8 : at + 8 + length]
        at += 12 + length
    if b"IEND" not in chunks or len(chunks.get(b"IHDR", b"")) != 13:
        raise ValueError("the PNG file is truncated")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">2I5B", chunks[b"IHDR"])
    channels = {0: 1, 2: 3, 6: 4}.get(colour)
    if depth != 8 or interlaced or channels is None:
        raise ValueError(
            "a PNG that is interlaced, has a palette or not 8 bits needs Pillow: pip install pillow"
        )
    try:
        stream = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), "uint8")
        rows = stream.reshape(height, 1 + width * channels)
    except (zlib.error, KeyError, ValueError) as error:
        raise ValueError(f"the PNG file is damaged: {error}") from error
    image = np.zeros((height + 1, width + 1, channels), "int64")  # a border of zeros
    for y, row in enumerate(rows):
        unfilter(row[0], row[1:].reshape(width, channels), image[y], image[y + 1])
    return image[1:, 1:].astype("uint8")


def unfilter(kind, row, above, out):
    """Reverses the filter of one row; `above` and `out` start with one pixel of zeros."""
    if kind in (0, 2):
        out[1:] = row + (above[1:] if kind == 2 else 0)
        out %= 256
        return
    for x in range(1, len(out)):
        left, up, corner = out[x - 1], above[x], above[x - 1]
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + up) // 2
        else:  # Paeth: the neighbour nearest to left + up - corner
            near = np.abs(left + up - corner - np.stack([left, up, corner])).argmin(axis=0)
            guess = np.choose(near, [left, up, corner])
        out[x] = (row[x - 1] + guess) % 256


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a .tflite file")
    parser.add_argument("images", type=Path, help="an image, or a folder with images")
    parser.add_argument("--top", type=int, default=1, help="classes to print (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="threads of LiteRT (default: 1)")
    options = parser.parse_args()
    if options.top < 1 or options.threads < 1:
        parser.exit(2, "classify_tflite.py: --top and --threads must be at least 1\n")
    if not options.model.is_file():
        parser.exit(2, f"classify_tflite.py: no such file: {options.model}\n")
    return options


if __name__ == "__main__":
    main()
