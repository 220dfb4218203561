"""A data set in a folder with one folder per class."""

import hashlib
import logging
import os
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cctzoo.data.encoded_images import EncodedImages, FileSource
from cctzoo.data.image_files import MODES, SUFFIXES, decode, is_convertible, is_deep, orientation
from cctzoo.data.image_size import ImageSize, height_width
from cctzoo.data.sources.folder_index import LEAST, FolderIndex, ReadImage
from cctzoo.data.sources.folder_layout import few, find_files
from cctzoo.data.sources.parts import Parts, split_test
from cctzoo.data.view import View

logger = logging.getLogger(__name__)


def load_folder(
    path: Path,
    image_size: ImageSize | None = None,
    color_mode: str | None = None,
    skip_unreadable: bool = False,
) -> Parts:
    """Loads images of any size; see `data.load`.

    Every image is decoded once, so that an unreadable image is reported before training starts.
    Of large folders, what was found is kept, see `FolderIndex`.

    Raises:
        ValueError: if the folders or the images are not a data set.
    """
    classes, layout = find_files(path)
    _check_filled(layout["train"].folder, classes, layout["train"].labels)
    size = height_width(image_size)
    read = _read_all(path, [file for files in layout.values() for file in files.paths], size)
    _check_readable(read, skip_unreadable)
    read = {file: image for file, image in read.items() if isinstance(image, ReadImage)}
    mode = _common_mode({file: image.mode for file, image in read.items()}, color_mode)
    _warn_of_content(read)
    parts = {}
    for part, files in layout.items():
        labels = dict(zip(files.paths, files.labels, strict=True))
        paths = [file for file in files.paths if file in read]
        y = np.array([labels[file] for file in paths], "int64")
        (_check_filled if part == "train" else _check_evaluable)(files.folder, classes, y)
        source = FileSource(paths, [read[file].sha256 for file in paths])
        parts[part] = EncodedImages(source, size, mode), y
    train = layout["train"].folder
    if "test" in parts:
        split = *parts["train"], *parts["test"]
    else:
        split = split_test(*parts["train"])
        if train != path:
            logger.info(
                "%s has no test part: a fixed fifth of %s is the test part, %s of %s images",
                *(path, train.name, len(split[3]), len(parts["train"][1])),
            )
    return Parts(*split, classes, parts.get("validation"))


def _check_filled(root, classes, y):
    if empty := _empty(root, classes, y):
        raise ValueError(
            f"Every class folder must hold readable images ({' '.join(SUFFIXES)}). Received: "
            f"none in {few(empty)}"
        )


def _check_evaluable(root, classes, y):
    """Refuses a validation or test part without images; warns of classes without any."""
    if not len(y):
        raise ValueError(f"A part must hold readable images. Received: none in {root}")
    if empty := _empty(root, classes, y):
        warnings.warn(
            f"{len(empty)} of {len(classes)} classes have no images in {root} and are not "
            f"evaluated there: {few([Path(folder).name for folder in empty])}",
            stacklevel=6,
        )


def _empty(root, classes, y):
    counts = np.bincount(np.asarray(y, "int64"), minlength=len(classes))
    return [str(root / classes[i]) for i in np.flatnonzero(counts == 0)]


def _read_all(root, files, size):
    """Returns {file: its `ReadImage`, or the ValueError of decoding or resizing}."""
    index = FolderIndex(root, files)
    found = index.known()
    unknown = [file for file in files if file not in found]
    if unknown:
        if len(unknown) >= LEAST:
            logger.info("%s: every image is read once, %s in all", root, f"{len(unknown):,}")
        found |= _decoded(unknown)
        index.save({file: each for file, each in found.items() if isinstance(each, ReadImage)})
    return _check_sizes({file: found[file] for file in files}, size)


def _decoded(files):
    """Returns {file: its `ReadImage`, or the ValueError of decoding}."""
    bright = []  # the first image with pixels above 1 ends the search for them

    def read(file):
        try:
            if not os.path.isfile(file):  # reading a pipe would not end
                raise ValueError(f"An image must be a file. Received: {file} (not a file)")
            data = Path(file).read_bytes()
            with decode(data, file, quick=True) as image:
                dark = not bright and image.mode in MODES and np.max(image.getextrema()) <= 1
                if not dark:
                    bright[:] = [True]
                sha256 = hashlib.sha256(data).digest()
                upright = orientation(image) is not None
                return ReadImage(image.mode, *image.size, sha256, dark, upright)
        except ValueError as error:
            return error
        except OSError as error:
            return ValueError(f"An image must be readable. Received: {file} ({error.strerror})")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(files, pool.map(read, files), strict=True))


def _check_sizes(read, size):
    """Puts a ValueError in the place of each image that cannot be resized."""
    view, narrow = View(), {}
    for image_size in {
        (image.width, image.height) for image in read.values() if isinstance(image, ReadImage)
    }:
        try:
            view.resized(image_size, *size)
        except ValueError as error:
            narrow[image_size] = error
    if narrow:
        for file, image in read.items():
            if isinstance(image, ReadImage) and (error := narrow.get((image.width, image.height))):
                rule = "An image must not be so narrow."
                read[file] = ValueError(f"{rule} Received: {file} ({error})")
    return read


def _warn_of_content(read):
    """Warns if training can use some of the images, but probably not as intended."""
    if all(image.dark for image in read.values()):
        warnings.warn(
            "The pixels of all images are 0 or 1, which is black; 0 to 255 are expected",
            stacklevel=6,
        )
    if turned := [file for file, image in read.items() if not image.upright]:
        warnings.warn(
            f"The EXIF orientation of {len(turned)} of {len(read)} images cannot be read; they "
            f"are used as they are stored: {few(turned)}",
            stacklevel=6,
        )


def _check_readable(read, skip_unreadable):
    broken = [error for error in read.values() if isinstance(error, ValueError)]
    if broken and skip_unreadable:
        warnings.warn(
            f"{len(broken)} of {len(read)} images cannot be read and are skipped", stacklevel=6
        )
    elif broken:
        raise ValueError(
            "Every image must be readable, unless `skip_unreadable=True` is given. "
            f"Received: {len(broken)} of {len(read)} images are unreadable: "
            f"{few([str(error).partition('Received: ')[2] for error in broken])}"
        )


def _common_mode(modes, color_mode):
    deep = [file for file, mode in modes.items() if is_deep(mode)]
    if deep:
        raise ValueError(
            "Images must have 8 bits per channel; deeper images would be clipped. "
            f"Received: {len(deep)} of {len(modes)} are deeper: {few(deep)}"
        )
    counts = Counter(modes.values())
    if color_mode:
        target = {"rgb": "RGB", "grayscale": "L"}[color_mode]
        if odd := [file for file, mode in modes.items() if not is_convertible(mode, target)]:
            raise ValueError(
                f"Images must have a mode that Pillow converts to {target}. Received: "
                f"{len(odd)} of {len(modes)} have not: {few(odd)} ({modes[odd[0]]})"
            )
        return target
    common = max(MODES, key=lambda mode: counts[mode])
    others = [f"{file} ({mode})" for file, mode in modes.items() if mode != common]
    if others:
        raise ValueError(
            "Images must all be RGB or all be L (grey), unless `color_mode` is given, to which "
            "the others are converted (transparency is dropped). Received: "
            f"{len(others)} of {len(modes)} are not {common}: {few(others)}"
        )
    return common
