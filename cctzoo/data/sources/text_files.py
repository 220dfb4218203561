"""A text data set in one CSV or JSON Lines file."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cctzoo import limits
from cctzoo.data.csv_records import csv_records, fault, lines
from cctzoo.data.sources.parts import PART_NAMES, PARTS, Parts, part_of
from cctzoo.data.splits import hold_out
from cctzoo.formats.reading import parse_object
from cctzoo.messages import shown

COLUMNS = ("text", "label")


class Row(NamedTuple):
    line: int
    text: str
    label: str
    part: str | None


def load_csv(path: Path) -> Parts:
    """Loads a CSV file; see `data.load`.

    Raises:
        ValueError: if the file is invalid; the error names the line.
    """
    return _load(path, lambda path: csv_records(path, "A CSV data set", COLUMNS, ("split",)))


def load_jsonl(path: Path) -> Parts:
    """Loads a JSON Lines file; see `data.load`.

    Raises:
        ValueError: if the file is invalid; the error names the line.
    """
    return _load(path, _json_lines)


def _load(path: Path, read: Callable[[Path], Iterator[tuple[int, dict]]]) -> Parts:
    limits.check("array_bytes", path.stat().st_size, "A data set's number of bytes", path=path)
    rows = [_row(path, line, fields) for line, fields in read(path)]
    if not rows:
        raise ValueError(f"A data set must not be empty. Received: {path} without texts")
    classes = _class_names(path, {row.label for row in rows})
    number = {label: i for i, label in enumerate(classes)}
    x = np.array([row.text for row in rows], object)
    y = np.array([number[row.label] for row in rows], "int64")
    split = _splits(path, rows, y)
    train, validation, test = ((x[split == part], y[split == part]) for part in PARTS)
    return Parts(*train, *test, classes, validation if len(validation[1]) else None)


def _json_lines(path):
    """Yields (line number, object) for every line that is not blank."""
    for line, content in lines(path):
        if content.strip():
            try:
                yield line, parse_object(content)
            except ValueError as error:
                raise fault("A line must be one JSON object", path, line, error) from error


def _row(path, line, fields):
    text, label, part = (fields.get(key) for key in (*COLUMNS, "split"))
    if not isinstance(text, str):
        raise fault("'text' must be a string", path, line, f"text={shown(text)}")
    if not isinstance(label, str | int) or isinstance(label, bool) or not str(label).strip():
        rule = "'label' must be an integer or a string that is not empty"
        raise fault(rule, path, line, f"label={shown(label)}")
    if "split" in fields:
        named = part_of(part.strip()) if isinstance(part, str) else None
        if not named:
            raise fault(f"'split' must be one of {PART_NAMES}", path, line, f"split={shown(part)}")
        part = named
    return Row(line, text, str(label).strip(), part)


def _class_names(path, labels):
    """Sorts as numbers if all labels are integers, otherwise by name, capitals first."""
    whole = all(re.fullmatch("[+-]?[0-9]{1,18}", label) for label in labels)
    names = sorted(labels, key=lambda label: (int(label) if whole else 0, label))
    if len(names) < 2:
        raise ValueError(
            f"A data set must have at least two labels. Received: {path} with {shown(names)}"
        )
    return names


def _splits(path, rows, y):
    """Returns the part of each row, an array of str."""
    for row in rows:
        if (row.part is None) != (rows[0].part is None):
            rule = "'split' must be given in every line or in no line"
            raise fault(rule, path, row.line, f"split={row.part!r}")
    split = np.array([row.part or "train" for row in rows])
    if rows[0].part is None:
        _, held = hold_out(y, 0.2, seed=0)
        split[held] = "test"
    known = {row.label for row, part in zip(rows, split, strict=True) if part == "train"}
    for row in rows:
        if row.label not in known:
            rule = "Every label must occur in the training part"
            raise fault(rule, path, row.line, f"label={shown(row.label)}, split={row.part!r}")
    if "test" not in split:
        raise ValueError(
            f"A data set must have a test part. Received: {path} with split='test' in no line"
        )
    return split
