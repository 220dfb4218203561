"""A text data set in one CSV or JSON Lines file."""

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cctzoo import limits
from cctzoo.data.sources.parts import PART_NAMES, PARTS, Parts, part_of
from cctzoo.data.splits import hold_out
from cctzoo.formats.reading import parse_object
from cctzoo.messages import shown

COLUMNS = ("text", "label")  # the column "split" is optional


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
    return _load(path, _csv_lines)


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


def _lines(path):
    """Yields (line number, line with its end). No more than one line is in memory."""
    most = limits.current().json_bytes
    with open(path, "rb") as stream:
        for line in itertools.count(1):
            data = stream.readline(most + 1)
            if not data:
                return
            try:
                limits.check("json_bytes", len(data), "A line's number of bytes")
                text = data.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _fault("A data set must be encoded in UTF-8", path, line, error) from error
            except ValueError as error:
                raise _fault("A data set must have lines", path, line, error) from error
            yield line, text.removeprefix("\ufeff") if line == 1 else text  # Excel's mark


def _csv_lines(path):
    """Yields (line number, {column: field}) for every record below the header."""
    # csv counts a single carriage return as a line end too.
    pieces = (piece for _, line in _lines(path) for piece in io.StringIO(line, newline=""))
    reader = csv.reader(pieces, strict=True)
    line, header = 1, None
    try:
        for fields in _long_fields(reader, limits.current().json_bytes):
            if not fields:  # a blank line
                pass
            elif header is None:
                header = fields
                if any(header.count(name) != 1 for name in COLUMNS) or header.count("split") > 1:
                    rule = "A CSV data set must have a column 'text' and a column 'label'"
                    raise _fault(rule, path, line, f"columns {shown(header)}")
            elif len(fields) != len(header):
                rule = f"A record must have one field for each of the {len(header)} columns"
                raise _fault(rule, path, line, f"{len(fields)} fields")
            else:
                yield line, dict(zip(header, fields, strict=True))
            line = reader.line_num + 1  # a quoted field may span several lines
    except csv.Error as error:
        rule = "A CSV data set must be well-formed, with fields below the limit `json_bytes`"
        raise _fault(rule, path, line, error) from error


def _long_fields(reader, most):
    """Yields the records of a csv reader, whose fields may have `most` characters.

    The limit belongs to the module, and is 131,072 by default; it is changed only while a record
    is read.
    """
    while True:
        before = csv.field_size_limit()
        csv.field_size_limit(max(before, most))
        try:
            fields = next(reader)
        except StopIteration:
            return
        finally:
            csv.field_size_limit(before)
        yield fields


def _json_lines(path):
    """Yields (line number, object) for every line that is not blank."""
    for line, content in _lines(path):
        if content.strip():
            try:
                yield line, parse_object(content)
            except ValueError as error:
                raise _fault("A line must be one JSON object", path, line, error) from error


def _row(path, line, fields):
    text, label, part = (fields.get(key) for key in (*COLUMNS, "split"))
    if not isinstance(text, str):
        raise _fault("'text' must be a string", path, line, f"text={shown(text)}")
    if not isinstance(label, str | int) or isinstance(label, bool) or not str(label).strip():
        rule = "'label' must be an integer or a string that is not empty"
        raise _fault(rule, path, line, f"label={shown(label)}")
    if "split" in fields:
        named = part_of(part.strip()) if isinstance(part, str) else None
        if not named:
            raise _fault(f"'split' must be one of {PART_NAMES}", path, line, f"split={shown(part)}")
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
            raise _fault(rule, path, row.line, f"split={row.part!r}")
    split = np.array([row.part or "train" for row in rows])
    if rows[0].part is None:
        _, held = hold_out(y, 0.2, seed=0)
        split[held] = "test"
    known = {row.label for row, part in zip(rows, split, strict=True) if part == "train"}
    for row in rows:
        if row.label not in known:
            rule = "Every label must occur in the training part"
            raise _fault(rule, path, row.line, f"label={shown(row.label)}, split={row.part!r}")
    if "test" not in split:
        raise ValueError(
            f"A data set must have a test part. Received: {path} with split='test' in no line"
        )
    return split


def _fault(rule, path, line, received):
    return ValueError(f"{rule}. Received: {path}, line {line}: {received}")
