"""A CSV file with other labels for some of a data set's training samples."""

import hashlib
from pathlib import Path

import numpy as np

from cctzoo.data.csv_records import csv_records, fault
from cctzoo.data.encoded_images import EncodedImages
from cctzoo.data.samples import Samples
from cctzoo.data.sources.parts import Parts
from cctzoo.messages import did_you_mean, received, shown
from cctzoo.typing import PathLike

COLUMNS = ("sample", "given", "label")
HASH = "hash"
DIGITS = 16  # of a hash
OTHER = "; is the file for other data, or were samples added or removed?"


def with_labels(parts: Parts, path: PathLike) -> Parts:
    """Returns a data set with the labels of a file.

    Args:
        parts: the data set as its source loaded it.
        path: a UTF-8 CSV file with the columns `sample` (number of a training sample, from 0),
            `given` (its class in the data set) and `label` (its class from now on; empty: the
            sample is left out). A column `hash` is compared with the `sample_hash`. Other columns
            are ignored.

    Raises:
        ValueError: if the file is invalid, or for other data; the error names the line.
    """
    path = Path(path)
    number = {str(name): index for index, name in enumerate(parts.classes)}
    y, kept = parts.y_train.copy(), np.ones(len(parts.y_train), bool)
    seen = set()
    for line, fields in csv_records(path, "A file of labels", COLUMNS, (HASH,)):
        sample, given, label = (fields[name] for name in COLUMNS)
        index = int(sample) if sample.isdecimal() and len(sample) < 19 else len(y)
        if index >= len(y):
            rule = f"'sample' must be the number of a training sample, from 0 to {len(y) - 1}"
            raise fault(rule, path, line, f"sample={shown(sample)}")
        if index in seen:
            raise fault("'sample' must not occur twice", path, line, f"sample={sample}")
        seen.add(index)
        if number.get(given) != parts.y_train[index]:
            known = str(parts.classes[parts.y_train[index]])
            rule = f"'given' must be the sample's class in the data set, {known!r}{OTHER}"
            raise fault(rule, path, line, f"sample={sample}, given={shown(given)}")
        if fields.get(HASH) and fields[HASH] != (own := sample_hash(parts.x_train, index)):
            rule = f"'hash' must be that of the sample in the data set, {own!r}{OTHER}"
            raise fault(rule, path, line, f"sample={sample}, hash={shown(fields[HASH])}")
        if label and label not in number:
            hint = did_you_mean(label, number)
            raise fault(
                f"'label' must be a class of the data set, or empty.{hint}",
                path,
                line,
                f"label={shown(label)}",
            )
        kept[index] = bool(label)
        y[index] = number.get(label, y[index])
    if not kept.any():
        raise ValueError(
            f"A file of labels must not leave out all samples. {received(labels=str(path))}"
        )
    rows = np.flatnonzero(kept)
    groups = None if parts.groups is None else parts.groups[rows]
    return parts._replace(x_train=parts.x_train[rows], y_train=y[rows], groups=groups, rows=rows)


def sample_hash(x: Samples, index: int) -> str:
    """Returns the start of the SHA-256 of a sample: of its pixels, its file or its text."""
    if isinstance(x, EncodedImages):
        content = x.source[index]
    else:
        content = x[index].encode("utf-8") if len(x.shape) == 1 else x[index].tobytes()
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def check_label_file(path: PathLike) -> None:
    """Raises ValueError unless a file of labels exists."""
    if not Path(path).is_file():
        raise ValueError(f"`labels` must be a file that exists. {received(labels=str(path))}")
