"""A data set in a folder with one folder per class."""

import hashlib
import os
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cctzoo.data.encoded_images import EncodedImages, FileSource
from cctzoo.data.image_files import MODES, decode, is_deep
from cctzoo.data.image_size import ImageSize, height_width
from cctzoo.data.sources.parts import Parts, split_test
from cctzoo.optional_packages import require

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
TEST_FOLDERS = ("test", "val", "validation")  # the first that exists is the test part
SHOWN = 5  # files that an error names


def load_folder(
    path: Path,
    image_size: ImageSize | None = None,
    color_mode: str | None = None,
    skip_unreadable: bool = False,
) -> Parts:
    """Loads images of any size; see `data.load`.

    Every image is decoded once, so that an unreadable image is reported before training starts.

    Raises:
        ValueError: if the folders or the images are not a data set.
    """
    require("PIL", extra="recipes", purpose="A folder of images")
    test = next((name for name in TEST_FOLDERS if (path / name).is_dir()), None)
    if test and (path / "train").is_dir():
        classes = _class_names(path / "train")
        if (other := _class_names(path / test)) != classes:
            raise ValueError(
                f"train and {test} must hold the same class folders. Received: {path} with "
                f"{sorted(set(classes) ^ set(other))} in only one of them"
            )
        roots = path / "train", path / test
    else:
        classes, roots = _class_names(path), (path,)
    listed = [_images(root, classes) for root in roots]
    modes, hashes = _read_all([file for files, _ in listed for file in files])
    _check_readable(modes, skip_unreadable)
    mode = _common_mode(modes, color_mode)
    parts, size = [], height_width(image_size)
    for root, (files, labels) in zip(roots, listed, strict=True):
        readable = [not isinstance(modes[file], ValueError) for file in files]
        y = np.array(labels, "int64")[readable]
        _check_filled(root, classes, y)
        files = [file for file, good in zip(files, readable, strict=True) if good]
        parts += [EncodedImages(FileSource(files, [hashes[file] for file in files]), size, mode), y]
    if len(roots) == 1:
        parts = split_test(*parts)
    return Parts(*parts, classes)


def _class_names(root):
    """The names of the class folders, sorted, capitals first."""
    names = sorted(
        entry.name for entry in root.iterdir() if entry.is_dir() and entry.name[0] != "."
    )
    if len(names) < 2:
        raise ValueError(
            "A folder data set must hold at least two class folders, or a folder train and a "
            f"folder {' or '.join(TEST_FOLDERS)} that hold them. Received: {root} with {names}"
        )
    return names


def _images(root, classes):
    """Returns (files, labels), sorted by class and file name."""
    files, labels = [], []
    for label, name in enumerate(classes):
        entries = sorted(entry for entry in (root / name).iterdir() if entry.name[0] != ".")
        if folders := [entry for entry in entries if entry.is_dir()]:
            raise ValueError(
                f"A class folder must hold images, not folders. Received: {folders[0]}"
            )
        found = [str(entry) for entry in entries if entry.suffix.lower() in SUFFIXES]
        files += found
        labels += [label] * len(found)
    _check_filled(root, classes, np.array(labels, "int64"))
    return files, labels


def _check_filled(root, classes, y):
    empty = np.flatnonzero(np.bincount(y, minlength=len(classes)) == 0)
    if len(empty):
        raise ValueError(
            f"Every class folder must hold readable images ({' '.join(SUFFIXES)}). Received: "
            f"none in {_few([str(root / classes[i]) for i in empty])}"
        )


def _read_all(files):
    """Returns {file: its Pillow mode, or the ValueError of decoding}, {file: its SHA-256}."""

    def read(file):
        data = Path(file).read_bytes()
        try:
            with decode(data, file, quick=True) as image:
                return image.mode, hashlib.sha256(data).digest()
        except ValueError as error:
            return error, b""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(read, files))
    return tuple({file: pair[i] for file, pair in zip(files, found, strict=True)} for i in range(2))


def _check_readable(modes, skip_unreadable):
    broken = [mode for mode in modes.values() if isinstance(mode, ValueError)]
    if broken and skip_unreadable:
        warnings.warn(
            f"{len(broken)} of {len(modes)} images cannot be read and are skipped", stacklevel=6
        )
    elif broken:
        raise ValueError(
            "Every image must be readable, unless `skip_unreadable=True` is given. "
            f"Received: {len(broken)} of {len(modes)} images are unreadable: "
            f"{_few([str(error).partition('Received: ')[2] for error in broken])}"
        )


def _common_mode(modes, color_mode):
    modes = {file: mode for file, mode in modes.items() if isinstance(mode, str)}
    deep = [file for file, mode in modes.items() if is_deep(mode)]
    if deep:
        raise ValueError(
            "Images must have 8 bits per channel; deeper images would be clipped. "
            f"Received: {len(deep)} of {len(modes)} are deeper: {_few(deep)}"
        )
    counts = Counter(modes.values())
    if color_mode:
        return {"rgb": "RGB", "grayscale": "L"}[color_mode]
    common = max(MODES, key=lambda mode: counts[mode])
    others = [f"{file} ({mode})" for file, mode in modes.items() if mode != common]
    if others:
        raise ValueError(
            "Images must all be RGB or all be L (grey), unless `color_mode` is given, to which "
            "the others are converted (transparency is dropped). Received: "
            f"{len(others)} of {len(modes)} are not {common}: {_few(others)}"
        )
    return common


def _few(names):
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
