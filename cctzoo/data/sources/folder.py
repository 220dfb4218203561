"""A data set in a folder of class folders."""

import os
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cctzoo.data.encoded_images import MODES, EncodedImages, FileSource, decode
from cctzoo.data.splits import hold_out

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
TEST_FOLDERS = ("test", "val", "validation")  # the first that exists is the test part
SHOWN = 5  # files that an error names


def load_folder(path, image_size, skip_unreadable, color_mode):
    """((x_train, y_train, x_test, y_test), classes) of a folder; see `data.load`.

    Every image is decoded once, so that a broken one ends the run before it starts.

    Args:
        path: of the folder.
        image_size: (height, width) of the evaluation view.
        skip_unreadable: leave broken images out, with one warning.
        color_mode: `"rgb"`, `"grayscale"` or None, the mode that all images have.

    Raises:
        ValueError: for folders or images that do not make a data set.
    """
    test = next((name for name in TEST_FOLDERS if (path / name).is_dir()), None)
    if test and (path / "train").is_dir():
        classes = _class_names(path / "train")
        if (other := _class_names(path / test)) != classes:
            raise ValueError(
                f"train and {test} must hold the same class folders. Received: {path} with "
                f"{sorted(set(classes) ^ set(other))} in one of them alone"
            )
        roots = path / "train", path / test
    else:
        classes, roots = _class_names(path), (path,)
    listed = [_images(root, classes) for root in roots]
    modes = _read_all([file for files, _ in listed for file in files])
    _check_readable(modes, skip_unreadable)
    mode = _common_mode(modes, color_mode)
    parts = []
    for root, (files, labels) in zip(roots, listed, strict=True):
        readable = [not isinstance(modes[file], ValueError) for file in files]
        y = np.array(labels, "int64")[readable]
        _check_filled(root, classes, y)
        files = [file for file, good in zip(files, readable, strict=True) if good]
        parts += [EncodedImages(FileSource(files), image_size, mode), y]
    if len(roots) == 1:
        x, y = parts
        kept, held = hold_out(y, 0.2, seed=0)
        parts = [x[kept], y[kept], x[held], y[held]]
    return parts, classes


def _class_names(root):
    """Names of the class folders in case-sensitive order."""
    names = sorted(
        entry.name for entry in root.iterdir() if entry.is_dir() and entry.name[0] != "."
    )
    if len(names) < 2:
        raise ValueError(
            "A folder data set must hold a folder per class, two at least, or train and test "
            f"({', '.join(TEST_FOLDERS)}) with these in each. Received: {root} with {names}"
        )
    return names


def _images(root, classes):
    """(files, labels), sorted by class and name."""
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
    """{file: Pillow mode, or the ValueError of decoding it}."""

    def read(file):
        try:
            with decode(Path(file).read_bytes(), file, quick=True) as image:
                return image.mode
        except ValueError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(files, pool.map(read, files), strict=True))


def _check_readable(modes, skip_unreadable):
    broken = [mode for mode in modes.values() if isinstance(mode, ValueError)]
    if broken and skip_unreadable:
        warnings.warn(
            f"{len(broken)} of {len(modes)} images cannot be read: left out", stacklevel=4
        )
    elif broken:
        raise ValueError(
            "Every image must be readable, unless `skip_unreadable=True` leaves the others out. "
            f"Received: {len(broken)} of {len(modes)} that are not: "
            f"{_few([str(error).partition('Received: ')[2] for error in broken])}"
        )


def _common_mode(modes, color_mode):
    modes = {file: mode for file, mode in modes.items() if isinstance(mode, str)}
    deep = [file for file, mode in modes.items() if mode.startswith(("I", "F"))]
    if deep:
        raise ValueError(
            "Images must have 8 bits a channel; deeper ones would be cut off without a word. "
            f"Received: {len(deep)} of {len(modes)}: {_few(deep)}"
        )
    counts = Counter(modes.values())
    if color_mode:
        return {"rgb": "RGB", "grayscale": "L"}[color_mode]
    common = max(MODES, key=lambda mode: counts[mode])
    others = [f"{file} ({mode})" for file, mode in modes.items() if mode != common]
    if others:
        raise ValueError(
            f"Images must all be RGB or all be L (grey), unless `color_mode` 'rgb' or 'grayscale' "
            f"has the others converted (transparency is dropped). Received: {len(others)} of "
            f"{len(modes)} not {common}: {_few(others)}"
        )
    return common


def _few(names):
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
