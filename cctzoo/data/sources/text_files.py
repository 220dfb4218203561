"""A data set of texts in one file, CSV or JSON Lines."""

import csv
import io
import json
import re
from typing import NamedTuple

import numpy as np

from cctzoo.data.splits import hold_out

PARTS = ("train", "validation", "test")
COLUMNS = ("text", "label")  # and, if the file likes, "split"


class Row(NamedTuple):
    line: int
    text: str
    label: str
    part: str | None


def load_text_file(kind, path):
    """((x_train, y_train, x_test, y_test), classes, (x_validation, y_validation) or None).

    Args:
        kind: `"csv"` or `"jsonl"`.
        path: of the file; see `data.load`.

    Raises:
        ValueError: if the file does not hold what it has to; it names the line.
    """
    read = {"csv": _csv_lines, "jsonl": _json_lines}[kind]
    rows = [_row(path, line, fields) for line, fields in read(path, _decoded(path))]
    if not rows:
        raise ValueError(f"A data set must hold texts. Received: {path} without any")
    classes = _class_names(path, {row.label for row in rows})
    number = {label: i for i, label in enumerate(classes)}
    x = np.array([row.text for row in rows], object)
    y = np.array([number[row.label] for row in rows], "int64")
    if rows[0].part is None:
        kept, held = hold_out(y, 0.2, seed=0)
        parts = {"train": kept, "validation": [], "test": held}
    else:
        parts = {part: [i for i, row in enumerate(rows) if row.part == part] for part in PARTS}
    _check_parts(path, rows, parts)
    train, validation, test = ((x[parts[part]], y[parts[part]]) for part in PARTS)
    return (*train, *test), classes, validation if len(validation[1]) else None


def _decoded(path):
    data = path.read_bytes()
    try:
        return data.decode("utf-8").removeprefix("\ufeff")  # what Excel begins a file with
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        raise _fault("A data set must be in UTF-8", path, line, error) from error


def _csv_lines(path, text):
    """(line number, {column: field}) of every record below the header."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line, header = 1, None
    try:
        for fields in reader:
            if not fields:  # a blank line
                pass
            elif header is None:
                header = fields
                if any(header.count(name) != 1 for name in COLUMNS) or header.count("split") > 1:
                    rule = "A CSV data set must have a column 'text' and a column 'label'"
                    raise _fault(rule, path, line, f"columns {header}")
            elif len(fields) != len(header):
                rule = f"A record must have a field per column, {len(header)} of them"
                raise _fault(rule, path, line, f"{len(fields)} fields")
            else:
                yield line, dict(zip(header, fields, strict=True))
            line = reader.line_num + 1  # a quoted field may run over several lines
    except csv.Error as error:
        raise _fault("A CSV data set must be well-formed", path, line, error) from error


def _json_lines(path, text):
    """(line number, object) of every line."""
    for line, content in enumerate(text.split("\n"), start=1):
        if content.strip():
            try:
                found = json.loads(content)
            except (ValueError, RecursionError) as error:
                raise _fault("A line must be one JSON object", path, line, error) from error
            if not isinstance(found, dict):
                raise _fault("A line must be one JSON object", path, line, content[:80])
            yield line, found


def _row(path, line, fields):
    text, label, part = (fields.get(key) for key in (*COLUMNS, "split"))
    if not isinstance(text, str):
        raise _fault("'text' must be a string", path, line, f"text={text!r}")
    if not isinstance(label, str | int) or isinstance(label, bool) or not str(label).strip():
        rule = "'label' must be an integer or a string that is not empty"
        raise _fault(rule, path, line, f"label={label!r}")
    if "split" in fields and part not in PARTS:
        raise _fault(f"'split' must be one of {PARTS}", path, line, f"split={part!r}")
    return Row(line, text, str(label).strip(), part)


def _class_names(path, labels):
    """In the order of numbers if all are whole ones, else of names, capitals first."""
    whole = all(re.fullmatch("[+-]?[0-9]{1,18}", label) for label in labels)
    names = sorted(labels, key=lambda label: (int(label) if whole else 0, label))
    if len(names) < 2:
        raise ValueError(f"A data set must have two labels at least. Received: {path} with {names}")
    return names


def _check_parts(path, rows, parts):
    """Raises ValueError unless the training part has every label, and there is a test part."""
    known = {rows[i].label for i in parts["train"]}
    for row in rows:
        if (row.part is None) != (rows[0].part is None):
            rule = "'split' must be in every line or in none"
            raise _fault(rule, path, row.line, f"split={row.part!r}")
        if row.label not in known:
            rule = "A label must be in the training part"
            raise _fault(rule, path, row.line, f"label={row.label!r}, split={row.part!r}")
    if not len(parts["test"]):
        raise ValueError(
            f"A data set must have a test part. Received: {path} with split='test' in no line"
        )


def _fault(rule, path, line, received):
    return ValueError(f"{rule}. Received: {path}, line {line}: {received}")
