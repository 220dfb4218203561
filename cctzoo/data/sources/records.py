"""The records of a prepared TFDS split, by number; TensorFlow is not needed."""

import contextlib
import dataclasses
import struct
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from cctzoo.formats.atomic import atomic_file


@dataclasses.dataclass(frozen=True)
class RecordSource:
    """Images of a TFDS split as a source of `EncodedImages`.

    Args:
        records: serialized examples, by number.
        features: TFDS' features "image" and "label" alone: no other is decoded.
        title: what an error calls the split.
        indices: the numbers of the records taken.
    """

    records: Any
    features: Any
    title: str
    indices: np.ndarray

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.example(index)[0]

    def name(self, index):
        return f"image {self.indices[index]} of {self.title}"

    def subset(self, indices):
        return dataclasses.replace(self, indices=self.indices[indices])

    def example(self, index):
        """(encoded image, label)."""
        example = self.features.deserialize_example_np(
            self.records[int(self.indices[index])],
            decoders={"image": tfds.decode.SkipDecoding()},
        )
        return example["image"], int(example["label"])


def open_split(builder, split):
    """A `RecordSource` of a split, or of several joined by "+", of a prepared builder."""
    records = open_records(builder, split)
    features = tfds.features.FeaturesDict(
        {key: builder.info.features[key] for key in ("image", "label")}
    )
    title = f"{builder.info.full_name}, {split}"
    return RecordSource(records, features, title, np.arange(len(records)))


def open_records(builder, split):
    """Serialized examples, by number, of a split, or of several joined by "+"."""
    if builder.info.file_format.value == "tfrecord":
        names = split.split("+")
        return TFRecords([path for name in names for path in builder.info.splits[name].filepaths])
    raw = tfds.decode.DeserializeMethod.RAW_BYTES
    return builder.as_data_source(split, deserialize_method=raw)


def read_labels(builder, split, source):
    """(n,) int64: the labels of a split, in the order of its records.

    TFDS keeps labels in the records alone, and ImageNet's records are 140 GiB: what was read
    is left beside them as a NumPy file, where that folder can be written to.
    """
    path = Path(builder.data_dir) / f"cctzoo-labels-{split}.npy"
    if path.is_file():
        labels = np.load(path, allow_pickle=False)
        if len(labels) == len(source):
            return labels
    labels = np.array([source.example(i)[1] for i in range(len(source))], "int64")
    with contextlib.suppress(OSError), atomic_file(path) as draft:
        np.save(draft, labels)
    return labels


class TFRecords:
    """Random access to TFRecord files, which TFDS itself has for its other formats alone.

    A record is its length (8 bytes, little-endian), 4 bytes of checksum, the data, and 4
    bytes of checksum; the lengths are walked once. The checksums are not compared.

    Raises:
        ValueError: if a file ends within a record.
    """

    def __init__(self, paths):
        self.paths = [str(path) for path in paths]
        found = [(file, *at) for file, path in enumerate(self.paths) for at in _spans(path)]
        self.spans = np.array(found, "int64").reshape(-1, 3)  # (n, 3): file, start, bytes

    def __len__(self):
        return len(self.spans)

    def __getitem__(self, index):
        file, start, count = self.spans[index]
        with open(self.paths[file], "rb") as stream:  # opened anew: threads share no position
            stream.seek(start)
            return stream.read(count)


def _spans(path):
    """(start, bytes) of the data of every record."""
    size = Path(path).stat().st_size
    with open(path, "rb") as stream:
        position = 0
        while position < size:
            stream.seek(position)
            header = stream.read(12)
            count = struct.unpack("<Q", header[:8])[0] if len(header) == 12 else size
            if position + 16 + count > size:
                raise ValueError(f"A TFRecord file must hold whole records. Received: {path}")
            yield position + 12, count
            position += 16 + count
