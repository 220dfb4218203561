"""The records of a CSV file, line by line, with errors that name the line."""

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cctzoo import limits
from cctzoo.messages import shown


def csv_records(
    path: Path, what: str, columns: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line number, {column: field}) for every record below the header.

    Args:
        path: a UTF-8 file whose first line names the columns.
        what: the file, for messages, e.g. `"A CSV data set"`.
        columns: those that the file must have, once.
        optional: those that it may have once. Further columns are allowed.

    Raises:
        ValueError: if the file is invalid; the error names the line.
    """
    # csv counts a single carriage return as a line end too.
    pieces = (piece for _, text in lines(path) for piece in io.StringIO(text, newline=""))
    reader = csv.reader(pieces, strict=True)
    line, header = 1, None
    try:
        for fields in _long_fields(reader, limits.current().json_bytes):
            if not fields:  # a blank line
                pass
            elif header is None:
                header = fields
                wrong = any(header.count(name) != 1 for name in columns)
                if wrong or any(header.count(name) > 1 for name in optional):
                    *others, last = (f"a column {name!r}" for name in columns)
                    rule = f"{what} must have {', '.join(others)} and {last}"
                    raise fault(rule, path, line, f"columns {shown(header)}")
            elif len(fields) != len(header):
                rule = f"A record must have one field for each of the {len(header)} columns"
                raise fault(rule, path, line, f"{len(fields)} fields")
            else:
                yield line, dict(zip(header, fields, strict=True))
            line = reader.line_num + 1  # a quoted field may span several lines
    except csv.Error as error:
        rule = f"{what} must be well-formed, with fields below the limit `json_bytes`"
        raise fault(rule, path, line, error) from error


def lines(path: Path) -> Iterator[tuple[int, str]]:
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
                raise fault("The file must be encoded in UTF-8", path, line, error) from error
            except ValueError as error:
                raise fault("The file must have lines", path, line, error) from error
            yield line, text.removeprefix("\ufeff") if line == 1 else text  # Excel's mark


def fault(rule: str, path: Path, line: int, received: Any) -> ValueError:
    """Returns the error for a line that breaks a rule."""
    return ValueError(f"{rule}. Received: {path}, line {line}: {received}")


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
