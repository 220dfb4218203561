"""The history of a run: a dict of figures per epoch, and the file `history.csv`."""

import csv
import io
from pathlib import Path

from cctzoo import limits
from cctzoo.formats.atomic import write_text
from cctzoo.formats.fields import ANY_NUMBER, OBJECT, POSITIVE, SHARE, check_fields
from cctzoo.formats.reading import reading
from cctzoo.messages import shown
from cctzoo.typing import PathLike

HISTORY = "history.csv"


def write_history(rows: list[dict[str, float]], path: PathLike) -> None:
    """Writes a CSV file with one row per epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_history(path: PathLike) -> list[dict[str, float]]:
    """Reads a file of `write_history`.

    Raises:
        ValueError: if the file is broken, or larger than the limit `json_bytes`.
    """
    with reading(path, "the history of a run, a CSV file of numbers with a row per epoch"):
        limits.check("json_bytes", Path(path).stat().st_size, "A history's number of bytes")
        text = Path(path).read_text(encoding="utf-8-sig")
        header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = []
        for epoch, line in enumerate(lines, start=1):
            if len(line) != len(header):
                raise ValueError(
                    f"row {epoch} must have a number for each of {len(header)} columns"
                )
            rows.append(dict(zip(header, map(float, line), strict=True)))
        check_history(rows)
    return rows


def check_history(rows: list[dict[str, float]]) -> None:
    """Raises ValueError unless a history from a file has the figures of the epochs from 1."""
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"a history must have a row per epoch. Received: {shown(rows)}")
    for epoch, row in enumerate(rows, start=1):
        check_fields({"row": row}, {"row": OBJECT})
        # Losses may be infinite.
        check_fields(row, dict.fromkeys(row, ANY_NUMBER) | {"seconds": POSITIVE})
        check_fields(row, {name: SHARE for name in row if name.endswith("accuracy")})
        if row["epoch"] != epoch or row.keys() != rows[0].keys():
            raise ValueError(
                f"row {epoch} must have 'epoch' {epoch} and the columns of row 1. "
                f"Received: {shown(row)}"
            )
