"""The exported files of a run and their latency, for its page."""

import warnings
from pathlib import Path
from typing import Any

from cctzoo.formats.fields import (
    COUNT,
    NUMBER,
    OBJECT,
    OBJECTS,
    POSITIVE,
    SHARE,
    TEXT,
    check_fields,
    optional,
)
from cctzoo.formats.reading import read_json, reading
from cctzoo.typing import PathLike

DELIVERY = Path("export", "report.json")  # that `delivery.deliver` writes
EXPORT = {
    "path": TEXT,
    "format": TEXT,
    "precision": TEXT,
    "bytes": COUNT,
    "max_difference": NUMBER,
    "samples": COUNT,
    "top1_agreement": optional(SHARE),
    "accuracy": optional(SHARE),
    "keras_accuracy": optional(SHARE),
}
LATENCY = {"rows": OBJECTS, "threads": COUNT, "runs": COUNT, "machine": TEXT}
ROW = {"name": TEXT, "median_ms": POSITIVE, "p10_ms": POSITIVE, "p90_ms": POSITIVE}


def read_delivery(directory: PathLike) -> dict[str, Any] | None:
    """Returns `exports` and `latency` of a directory; None, with a warning, if they are broken."""
    path = Path(directory, DELIVERY)
    if not path.is_file():
        return None
    try:
        found = read_json(path, "the report of exports")
        with reading(path, "the report of exports"):
            return delivery_figures(found)
    except ValueError as error:
        warnings.warn(f"The page has no exports: {error}", stacklevel=2)
        return None


def delivery_figures(found: dict[str, Any]) -> dict[str, Any]:
    """Returns the figures of `export/report.json` that a page shows, with names for paths.

    Raises:
        ValueError, KeyError: if a figure is missing, or of another type.
    """
    check_fields(found, {"exports": OBJECTS, "latency": OBJECT})
    exports, latency = found["exports"], found["latency"]
    check_fields(latency, LATENCY)
    for fields, rules in [(exports, EXPORT), (latency["rows"], ROW)]:
        for each in fields:
            check_fields(each, rules)
    return {
        "exports": [
            {name: each[name] for name in EXPORT} | {"path": Path(each["path"]).name}
            for each in exports
        ],
        "latency": {name: latency[name] for name in LATENCY}
        | {"rows": [{name: row[name] for name in ROW} for row in latency["rows"]]},
    }
