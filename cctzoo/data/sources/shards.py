"""Tar files in the layout of WebDataset: listed once, and read at random places."""

import dataclasses
import hashlib
import os
import tarfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cctzoo import limits
from cctzoo.data.image_files import has_image_suffix
from cctzoo.data.sources.image_index import file_state, load_index, save_index
from cctzoo.data.sources.read_images import ReadImage, read_images
from cctzoo.formats.cache import cache_folder
from cctzoo.formats.reading import parse_object, reading
from cctzoo.messages import shown

LEAST = 500  # images of a shard from which an index is kept
LABEL_BYTES = 1000  # of the longest file `.cls`
WHAT = "a shard of WebDataset, an uncompressed tar file of images with labels"
COLUMNS = {"spans": ("i", (2,)), "labels": ("S", ())}  # of the index, for each image


class Sample(NamedTuple):
    """What reading a shard has found of one sample.

    Args:
        name: of the image in the shard.
        span: where the image lies: (first byte, number of bytes).
        label: as it is written.
        image: what decoding it has found, or its ValueError.
    """

    name: str
    span: tuple[int, int]
    label: str
    image: ReadImage | ValueError


def read_shard(path: Path) -> tuple[list[Sample], list[str]]:
    """Lists a shard and decodes its images, or takes both from the index of an earlier time.

    The files of a sample have the same name up to the first dot. Each sample has one image, and a
    label in a file `.cls`, or as `"label"` in a file `.json`. Nothing is unpacked.

    Returns:
        (the samples, names of the files that are neither images nor labels). The names are not
        kept in the index.

    Raises:
        ValueError: if the shard is broken, or a sample has another form.
    """
    state = file_state(path)  # before the shard is read, as it may change meanwhile
    place = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]
    index = cache_folder() / "webdataset" / f"{place}.npz"
    stored, columns = load_index(index, **COLUMNS)
    if stored and all(known == state for known, _ in stored.values()):
        rows = zip(stored.items(), *(columns[name].tolist() for name in COLUMNS), strict=True)
        return [
            Sample(name, tuple(span), label.decode(), image)
            for (name, (_, image)), span, label in rows
        ], []
    found, unread = _listed(path)
    spans = {f"{path}/{name}": span for name, (span, _) in found.items()}
    images = read_images(list(spans), lambda title: _content(path, *spans[title])).values()
    samples = [Sample(name, *found[name], image) for name, image in zip(found, images, strict=True)]
    read = {each.name: (state, each.image) for each in samples if isinstance(each.image, ReadImage)}
    if state is not None and len(read) == len(samples) >= LEAST:
        labels = np.array([label.encode() for _, label in found.values()], "S")
        save_index(index, read, spans=np.array(list(spans.values()), "int64"), labels=labels)
    return samples, unread


@dataclasses.dataclass(frozen=True)
class ShardSource:
    """Images in shards as a source for `EncodedImages`.

    Args:
        paths: of the shards.
        names: of the images, each with that of its shard.
        places: (n, 3) int64, for each image the number of its shard and its span.
        hashes: the SHA-256 of each image.
    """

    paths: list[str]
    names: list[str]
    places: np.ndarray
    hashes: list[bytes]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> bytes:
        shard, start, size = self.places[index].tolist()
        return _content(self.paths[shard], start, size)

    def name(self, index: int) -> str:
        return self.names[index]

    def subset(self, indices: np.ndarray) -> "ShardSource":
        names, hashes = ([values[i] for i in indices] for values in (self.names, self.hashes))
        return ShardSource(self.paths, names, self.places[indices], hashes)

    def identity(self) -> list[bytes]:
        """Returns the SHA-256 of each image."""
        return self.hashes


def _content(path, start, size):
    with open(path, "rb") as stream:  # opened every time: threads must not share a position
        stream.seek(start)
        return stream.read(size)


def _listed(path):
    """Returns ({image: (span, label)}, names of the other files) of a shard."""
    with reading(path, WHAT, "shard"), open(path, "rb") as stream:
        samples, unread = _samples(path)
        found = {}
        for key, fields in samples.items():
            images = [field for field in fields if has_image_suffix(f"{key}.{field}")]
            if len(images) != 1 or not {"cls", "json"} & set(fields):
                raise ValueError(
                    "each sample must have one image, and a label in a file .cls or .json; "
                    f"sample {key!r} has {', '.join(f'.{field}' for field in fields)}"
                )
            name = f"{key}.{images[0]}"
            found[name] = fields[images[0]], _label(stream, fields)
            used = (images[0], "cls" if "cls" in fields else "json")
            unread += [f"{key}.{field}" for field in fields if field not in used]
        if not found:
            raise ValueError("it holds no sample")
        return found, unread


def _samples(path):
    """Returns ({sample: {field: span}}, names of the files that have no field)."""
    samples, unread = {}, []
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            folder, _, name = member.name.rpartition("/")
            if member.isdir() or name.startswith("."):  # a name of macOS, or hidden
                continue
            if not member.isreg() or member.issparse():
                raise ValueError(f"it must hold plain files, no links; {member.name!r} is none")
            stem, dot, field = name.partition(".")
            if not dot:
                unread.append(member.name)
                continue
            fields = samples.setdefault(f"{folder}/{stem}" if folder else stem, {})
            if field.lower() in fields:
                raise ValueError(f"it must hold each file once; {member.name!r} occurs again")
            fields[field.lower()] = (member.offset_data, member.size)
    size = os.path.getsize(path)
    if any(sum(span) > size for fields in samples.values() for span in fields.values()):
        raise ValueError("it ends within a file")
    return samples, unread


def _label(stream, fields):
    """Returns the label of a sample, a text that is not empty."""
    if "cls" in fields:
        most, (start, size) = LABEL_BYTES, fields["cls"]
    else:
        most, (start, size) = limits.current().json_bytes, fields["json"]
    if size > most:
        raise ValueError(f"the file of a label must have at most {most} bytes, not {size}")
    stream.seek(start)
    text = stream.read(size).decode("utf-8")
    label = text if "cls" in fields else parse_object(text).get("label")
    if not isinstance(label, str | int) or isinstance(label, bool) or not str(label).strip():
        raise ValueError(f"a label must be an integer or a text, not {shown(label)}")
    return str(label).strip()
