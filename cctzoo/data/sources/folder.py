"""A data set in a folder with one folder per class."""

import logging
import os
from pathlib import Path

import numpy as np

from cctzoo.data.encoded_images import EncodedImages, FileSource
from cctzoo.data.image_files import SUFFIXES
from cctzoo.data.image_size import ImageSize, height_width
from cctzoo.data.sources.folder_index import LEAST, FolderIndex
from cctzoo.data.sources.folder_layout import few, find_files
from cctzoo.data.sources.parts import Parts, split_test
from cctzoo.data.sources.read_images import (
    ReadImage,
    check_evaluable,
    check_images,
    read_images,
)

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
    read = _read_all(path, [file for files in layout.values() for file in files.paths])
    read, mode = check_images(read, size, color_mode, skip_unreadable)
    parts = {}
    for part, files in layout.items():
        labels = dict(zip(files.paths, files.labels, strict=True))
        paths = [file for file in files.paths if file in read]
        y = np.array([labels[file] for file in paths], "int64")
        (_check_filled if part == "train" else check_evaluable)(files.folder, classes, y)
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
    counts = np.bincount(np.asarray(y, "int64"), minlength=len(classes))
    if empty := [str(root / classes[i]) for i in np.flatnonzero(counts == 0)]:
        raise ValueError(
            f"Every class folder must hold readable images ({' '.join(SUFFIXES)}). Received: "
            f"none in {few(empty)}"
        )


def _read_all(root, files):
    """Returns {file: its `ReadImage`, or the ValueError of decoding}."""
    index = FolderIndex(root, files)
    found = index.known()
    unknown = [file for file in files if file not in found]
    if unknown:
        if len(unknown) >= LEAST:
            logger.info("%s: every image is read once, %s in all", root, f"{len(unknown):,}")
        found |= read_images(unknown, _content)
        index.save({file: each for file, each in found.items() if isinstance(each, ReadImage)})
    return {file: found[file] for file in files}


def _content(file):
    if not os.path.isfile(file):  # reading a pipe would not end
        raise ValueError(f"An image must be a file. Received: {file} (not a file)")
    return Path(file).read_bytes()
