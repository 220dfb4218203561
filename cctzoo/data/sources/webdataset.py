"""A data set in tar files in the layout of WebDataset."""

import logging
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cctzoo import limits
from cctzoo.data.encoded_images import EncodedImages
from cctzoo.data.image_size import ImageSize, height_width
from cctzoo.data.sources.folder_layout import few, unread_files
from cctzoo.data.sources.parts import PART_NAMES, PARTS, Parts, part_of, split_test
from cctzoo.data.sources.read_images import check_evaluable, check_images
from cctzoo.data.sources.shards import ShardSource, read_shard
from cctzoo.formats.reading import reading
from cctzoo.messages import received, shown

NAMES = "classnames.txt"
COMPRESSED = (".tar.bz2", ".tar.gz", ".tar.xz", ".tar.zst", ".tgz")
INTEGER = re.compile("[+-]?[0-9]{1,18}")

logger = logging.getLogger(__name__)


class Row(NamedTuple):
    """An image: its part, its name, (number of its shard, first byte, bytes), its label."""

    part: str
    title: str
    place: tuple[int, int, int]
    label: str


def load_webdataset(
    path: Path,
    image_size: ImageSize | None = None,
    color_mode: str | None = None,
    skip_unreadable: bool = False,
) -> Parts:
    """Loads images of any size from tar files; see `data.load`.

    Every image is decoded once, so that an unreadable image is reported before training starts.
    Of large shards, what was found is kept in Keras' cache.

    Raises:
        ValueError: if the shards are not a data set.
    """
    shards = _find_shards(path)
    names = _class_names(path)
    size = height_width(image_size)
    found, rows, unread = {}, [], []
    for number, (file, part) in enumerate(shards.items()):
        samples, others = read_shard(file)
        unread += others
        for sample in samples:
            title = f"{file}/{sample.name}"
            found[title] = sample.image
            rows.append(Row(part, title, (number, *sample.span), sample.label))
    if unread:
        logger.info("%s", unread_files(path, unread))
    images, mode = check_images(found, size, color_mode, skip_unreadable)
    rows = [row for row in rows if row.title in images]
    classes, number_of = _classes(path, names, {row.label for row in rows})
    parts = {}
    for part in sorted(set(shards.values()), key=list(PARTS).index):
        chosen = [row for row in rows if row.part == part]
        y = np.array([number_of[row.label] for row in chosen], "int64")
        if part != "train" or not chosen:
            check_evaluable(f"the {part} part of {path}", classes, y)
        source = ShardSource(
            [str(file) for file in shards],
            [row.title for row in chosen],
            np.array([row.place for row in chosen], "int64").reshape(-1, 3),
            [images[row.title].sha256 for row in chosen],
        )
        parts[part] = EncodedImages(source, size, mode), y
    if "test" in parts:
        split = *parts["train"], *parts["test"]
    else:
        split = split_test(*parts["train"])
        logger.info("%s has no test part: a fixed fifth of the images is the test part", path)
    return Parts(*split, classes, parts.get("validation"))


def _find_shards(path):
    """Returns {shard: its part}, sorted by path."""
    files = sorted(file for pattern in ("*", "*/*") for file in path.glob(pattern))
    files = [file for file in files if "/." not in f"/{file.relative_to(path).as_posix()}"]
    if packed := [str(file) for file in files if file.name.lower().endswith(COMPRESSED)]:
        raise ValueError(
            "Shards must be uncompressed .tar files, of which any image can be read. "
            f"Received: {few(packed)}"
        )
    found = {file: _part(file.relative_to(path)) for file in files if file.suffix == ".tar"}
    if set(found.values()) == {None}:
        return dict.fromkeys(found, "train")
    if "train" not in found.values() or None in found.values():
        counts = Counter(part or "without a part" for part in found.values())
        raise ValueError(
            "A folder of shards must hold .tar files, and none or all of them must name their "
            f"part ({', '.join(PART_NAMES)}), in their own name or in that of their folder, with "
            f"a training part. Received: {path} with {dict(counts) or 'no .tar file'}"
        )
    return found


def _part(relative):
    """Returns the part that the path of a shard names, or None."""
    words = re.split("[^A-Za-z]+", str(relative))
    parts = {part_of(word) for word in words} - {None}
    if len(parts) > 1:
        raise ValueError(
            f"The path of a shard must name one part. {received(path=str(relative))}, which "
            f"names {' and '.join(sorted(parts))}"
        )
    return next(iter(parts), None)


def _class_names(path):
    """Returns the lines of `classnames.txt`, or None without this file."""
    file = path / NAMES
    if not file.is_file():
        return None
    with reading(file, "the names of the classes, each in one line and once", NAMES):
        limits.check("json_bytes", file.stat().st_size, "A text file's number of bytes")
        names = [line.strip() for line in file.read_text("utf-8-sig").splitlines()]
        while names and not names[-1]:
            names.pop()
        if "" in names or len(set(names)) < max(2, len(names)):
            raise ValueError(f"the lines {shown(names)}")
    return names


def _classes(path, names, labels):
    """Returns (class names, {label: number of the class}).

    Labels that are all integers are the numbers of the classes; others are their names.
    """
    if all(map(INTEGER.fullmatch, labels)):
        number = {label: int(label) for label in labels}
        most = max(number.values(), default=0)
        if names is None:
            limits.check("labels", most + 1, "The number of classes", largest_label=most)
        classes = names or [str(i) for i in range(most + 1)]
    else:
        classes = names or sorted(labels)
        number = {name: i for i, name in enumerate(classes)}
    if odd := sorted(each for each in labels if not 0 <= number.get(each, -1) < len(classes)):
        raise ValueError(
            f"Labels must be the numbers of classes, from 0, or their names; with a file {NAMES}, "
            f"of its {len(classes)} classes. Received: {path} with the labels {shown(odd)}"
        )
    if len(classes) < 2:
        raise ValueError(
            f"A data set must have at least two classes. Received: {path} with {shown(classes)}"
        )
    return classes, number
