"""Random access to the records of a prepared TFDS split, without TensorFlow."""

import contextlib
import dataclasses
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from cctzoo.formats.atomic import atomic_file
from cctzoo.formats.npz_file import load_npy


@dataclasses.dataclass(frozen=True)
class RecordSource:
    """The images of a TFDS split as a source for `EncodedImages`.

    Args:
        records: the serialised examples.
        features: the TFDS features "image" and "label"; no others are decoded.
        title: the name of the split in error messages.
        indices: the numbers of the records in use.
        sizes: (records, bytes) of each split.
    """

    records: Any
    features: Any
    title: str
    indices: np.ndarray
    sizes: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> bytes:
        return self.example(index)[0]

    def name(self, index: int) -> str:
        return f"image {self.indices[index]} of {self.title}"

    def subset(self, indices: np.ndarray) -> "RecordSource":
        return dataclasses.replace(self, indices=self.indices[indices])

    def identity(self) -> list[bytes]:
        """Returns what identifies the images without reading them: ImageNet has 140 GiB."""
        return [f"{self.title} {self.sizes}".encode(), self.indices.astype("<i8").tobytes()]

    def example(self, index: int) -> tuple[bytes, int]:
        """Returns (encoded image, label)."""
        example = self.features.deserialize_example_np(
            self.records[int(self.indices[index])],
            decoders={"image": tfds.decode.SkipDecoding()},
        )
        return example["image"], int(example["label"])


def open_split(builder: Any, split: str) -> RecordSource:
    """Opens the images of a split, or of several joined by "+", of a prepared builder."""
    records = open_records(builder, split)
    features = tfds.features.FeaturesDict(
        {key: builder.info.features[key] for key in ("image", "label")}
    )
    title = f"{builder.info.full_name}, {split}"
    infos = [builder.info.splits[name] for name in split.split("+")]
    sizes = tuple((int(info.num_examples), int(info.num_bytes)) for info in infos)
    return RecordSource(records, features, title, np.arange(len(records)), sizes)


def open_records(builder: Any, split: str) -> Sequence[bytes]:
    """Opens the serialised examples of a split, or of several joined by "+"."""
    if builder.info.file_format.value == "tfrecord":
        names = split.split("+")
        return TFRecords([path for name in names for path in builder.info.splits[name].filepaths])
    raw = tfds.decode.DeserializeMethod.RAW_BYTES
    return builder.as_data_source(split, deserialize_method=raw)


def read_labels(builder: Any, split: str, source: RecordSource) -> np.ndarray:
    """Reads the labels of a split, (n,) int64, in the order of its records.

    TFDS stores labels only in the records, and ImageNet's records are 140 GiB. The labels are
    therefore cached next to the records in a NumPy file, if that folder can be written to.
    """
    path = Path(builder.data_dir) / f"cctzoo-labels-{split}.npy"
    if path.is_file():
        labels = load_npy(path, "a file of labels that cctzoo wrote, which can be deleted")
        if labels.dtype == np.int64 and labels.shape == (len(source),):
            return labels
    labels = np.array([source.example(i)[1] for i in range(len(source))], "int64")
    with contextlib.suppress(OSError), atomic_file(path) as draft:
        np.save(draft, labels)
    return labels


class TFRecords:
    """Random access to TFRecord files, which TFDS offers only for its other formats.

    A record is its length (8 bytes, little-endian), a checksum (4 bytes), the data, and another
    checksum (4 bytes). The lengths are read once; the checksums are not verified.

    Raises:
        ValueError: if a file ends within a record.
    """

    def __init__(self, paths: Iterable[Path | str]):
        self.paths = [str(path) for path in paths]
        found = [(file, *at) for file, path in enumerate(self.paths) for at in _spans(path)]
        self.spans = np.array(found, "int64").reshape(-1, 3)  # (n, 3): file, start, bytes

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, index: int) -> bytes:
        file, start, count = self.spans[index]
        with open(
            self.paths[file], "rb"
        ) as stream:  # opened every time: threads must not share a position
            stream.seek(start)
            return stream.read(count)


def _spans(path):
    """Yields (start, size in bytes) of the data of every record."""
    size = Path(path).stat().st_size
    with open(path, "rb") as stream:
        position = 0
        while position < size:
            stream.seek(position)
            header = stream.read(12)
            count = struct.unpack("<Q", header[:8])[0] if len(header) == 12 else size
            if position + 16 + count > size:
                raise ValueError(f"A TFRecord file must end with a whole record. Received: {path}")
            yield position + 12, count
            position += 16 + count
