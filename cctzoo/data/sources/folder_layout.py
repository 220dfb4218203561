"""The layout of a folder data set: its parts, its classes and its files."""

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from cctzoo.data.image_files import has_image_suffix, is_image
from cctzoo.data.sources.parts import PART_NAMES, PARTS, part_of

SHOWN = 5  # names that a message shows
# Written by operating systems and network drives, in lower case; skipped like hidden files.
SYSTEM_FILES = (
    *("desktop.ini", "ehthumbs.db", "ehthumbs_vista.db", "icon\r", "thumbs.db"),
    "thumbs.db:encryptable",
)
SYSTEM_FOLDERS = (
    *("#recycle", "$recycle.bin", "@eadir", "__macosx", "lost+found"),
    "system volume information",
)


class Files(NamedTuple):
    """The image files of one part, sorted by class and name."""

    folder: Path
    paths: list[str]
    labels: list[int]


def find_files(path: Path) -> tuple[list[str], dict[str, Files]]:
    """Finds the parts, the classes and the image files of a folder data set.

    A folder that is named for a part and contains folders is that part. Without such folders,
    `path` holds the class folders. Files that are no images are counted in one warning.

    Returns:
        (class names, sorted, capitals first; {part: its files}, with the part "train").

    Raises:
        ValueError: if the folders are not a data set.
    """
    folders, unread = _entries(path)
    roots = _parts(path, folders)
    if roots:
        classes = _class_names(roots["train"])
    else:
        roots, unread = {"train": path}, []  # the files are listed again below
        classes = _class_names(path)
    found = {}
    for part, root in roots.items():
        names, files = _entries(root)
        if part != "train" and (others := sorted(set(names) - set(classes))):
            raise ValueError(
                "Every class must have a folder in the training part. Received: "
                f"{root} with {others}, {roots['train']} with {few(map(repr, classes))}"
            )
        paths, labels, others = _images(root, classes, names)
        found[part] = Files(root, paths, labels)
        unread = [*unread, *files, *others]
    if unread:
        warnings.warn(unread_files(path, unread), stacklevel=6)
    return classes, found


def find_images(folder: Path) -> list[str]:
    """Paths of all image files in a folder and the folders in it, sorted.

    Files of other types are counted in a warning.
    """
    paths, unread, waiting = [], [], [folder]
    while waiting:
        current = waiting.pop(0)
        folders, files = _entries(current)
        waiting += [current / name for name in folders]
        for name in files:
            path = os.path.join(current, name)
            (paths if _is_read(path) else unread).append(path)
    if unread:
        warnings.warn(unread_files(folder, unread), stacklevel=2)
    return paths


def few(names: Sequence[str]) -> str:
    """Joins names for a message, at most `SHOWN`."""
    names = list(names)
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def unread_files(path: Path, names: Iterable[str]) -> str:
    """Describes the files that are not read, by suffix, for a message."""
    counts = Counter(Path(name).suffix.lower() for name in names)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    listed = [f"{count} {suffix or 'without a suffix'}" for suffix, count in ordered[:SHOWN]]
    if rest := sum(count for _, count in ordered[SHOWN:]):
        listed.append(f"{rest} of other types")
    heic = {".heic", ".heif"} & set(counts)
    hint = (
        f". To use {' and '.join(sorted(heic))} images, convert them to JPEG or PNG" if heic else ""
    )
    total = counts.total()
    verb = "file is" if total == 1 else "files are"
    return f"{total} {verb} not read in {path}: {', '.join(listed)}{hint}"


def _entries(folder):
    """Returns the names of (folders, other entries), sorted, without hidden and system ones."""
    folders, others = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if _is_folder(entry):
                if name[0] != "." and name.lower() not in SYSTEM_FOLDERS:
                    folders.append(name)
            elif name[0] != "." and name.lower() not in SYSTEM_FILES:
                others.append(name)
    return sorted(folders), sorted(others)


def _is_folder(entry):
    try:
        return entry.is_dir()
    except OSError:  # a symbolic link that leads to itself
        return False


def _parts(path, folders):
    """Returns {part: its folder}, in the order of `PARTS`; {} where classes are in `path`."""
    named = [name for name in folders if part_of(name)]
    parts = [name for name in named if _entries(path / name)[0]]
    if not parts:
        return {}
    rule = f"A folder that is named {', '.join(PART_NAMES)} and holds folders is a part"
    if flat := [name for name in named if name not in parts]:
        raise ValueError(
            f"{rule}, and all parts must hold class folders; images without a class must lie "
            f"elsewhere. Received: {path} with the part {few(parts)}, and without class folders "
            f"in {few(flat)}"
        )
    if others := [name for name in folders if name not in parts]:
        raise ValueError(
            f"{rule}, and no other folders may be next to it. "
            f"Received: {path} with the part {few(parts)} next to {few(others)}"
        )
    roots = {}
    for part in PARTS:
        same = [name for name in parts if part_of(name) == part]
        if len(same) > 1:
            raise ValueError(
                f"{rule}, and a part must be one folder. Received: {path} with {few(same)}, "
                f"which all name the {part} part"
            )
        if same:
            roots[part] = path / same[0]
    if "train" not in roots:
        raise ValueError(
            f"{rule}, and there must be a training part. Received: {path} with only {few(parts)}"
        )
    return roots


def _class_names(root):
    names, _ = _entries(root)
    if len(names) < 2:
        hint = (
            ". For shards of WebDataset, write 'webdataset:PATH'" if [*root.glob("*.tar")] else ""
        )
        raise ValueError(
            "A folder data set must hold at least two class folders, or a folder train, and "
            f"optionally validation and test, that hold them. Received: {root} with {names}{hint}"
        )
    return names


def _images(root, classes, names):
    """Returns (paths, labels, names of files that are not read) of the class folders `names`."""
    paths, labels, unread = [], [], []
    number = {name: label for label, name in enumerate(classes)}
    for name in names:
        folder = root / name
        folders, files = _entries(folder)
        if folders:
            raise ValueError(
                f"A class folder must hold images, not folders. Received: {folder / folders[0]}"
            )
        prefix, label = str(folder), number[name]
        for file in files:
            path = os.path.join(prefix, file)
            if _is_read(path):
                paths.append(path)
                labels.append(label)
            else:
                unread.append(file)
    return paths, labels, unread


def _is_read(path):
    if has_image_suffix(path):
        return True
    return not os.path.splitext(path)[1] and os.path.isfile(path) and is_image(path)
