"""The table of data sources.

To add a source, write a module in this folder with a function that returns `Parts`, and add one
row to `SOURCES`. The name's form, the options of `data.load` that apply, the error messages and
the check of recipes follow from the row. The module must not import an optional package at its
top, because this table is imported with `cctzoo`.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from cctzoo.data.samples import Kind
from cctzoo.data.sources.digits import load_digits
from cctzoo.data.sources.docstrings import load_docstrings
from cctzoo.data.sources.folder import load_folder
from cctzoo.data.sources.npz import load_npz
from cctzoo.data.sources.parts import Parts
from cctzoo.data.sources.text_files import load_csv, load_jsonl
from cctzoo.data.sources.webdataset import load_webdataset
from cctzoo.optional_packages import require


class Source(NamedTuple):
    """One row of the table.

    Args:
        form: how a name is written: a word, or `"prefix:PATH"`.
        kind: what the samples are; None if only the loaded data tell.
        load: returns `Parts`. It takes the path, or a TFDS name, and `options` as keywords.
        path: what PATH must be; None for a form without a path.
        options: the options of `data.load` that apply, other than those that all sources have.
    """

    form: str
    kind: Kind | None
    load: Callable[..., Parts]
    path: Literal["file", "folder"] | None = None
    options: tuple[str, ...] = ()


def _load_tfds(name, **options):
    require("tensorflow_datasets", extra="recipes", purpose="A set of TensorFlow Datasets")
    from cctzoo.data.sources.tfds import load_tfds  # lazily: TFDS is optional and slow to import

    return load_tfds(name, **options)


SOURCES = (
    Source("digits", "images", load_digits, options=("image_size",)),
    Source("npz:PATH", "images", load_npz, "file", ("image_size",)),
    Source(
        "folder:PATH",
        "images",
        load_folder,
        "folder",
        ("image_size", "color_mode", "skip_unreadable"),
    ),
    Source(
        "webdataset:PATH",
        "images",
        load_webdataset,
        "folder",
        ("image_size", "color_mode", "skip_unreadable"),
    ),
    Source("docstrings", "texts", load_docstrings),
    Source("csv:PATH", "texts", load_csv, "file"),
    Source("jsonl:PATH", "texts", load_jsonl, "file"),
)
# All other names are names of TensorFlow Datasets.
TFDS = Source(
    "NAME", None, _load_tfds, options=("image_size", "color_mode", "data_dir", "manual_dir")
)
FORMS = ", ".join(repr(source.form) for source in SOURCES)


def find_source(name: str) -> tuple[Source, tuple[Path | str, ...]]:
    """Finds the row of a name.

    The path of an existing file with the suffix .npz, .csv or .jsonl, or of an existing folder, may
    stand for itself. A folder's path must contain a separator: `photos` alone is a TFDS name.

    Returns:
        (the row, the positional arguments of its `load`: a path, a TFDS name, or none).
    """
    prefix, colon, rest = name.partition(":")
    for source in SOURCES:
        if source.path and colon and source.form == f"{prefix}:PATH":
            return source, (Path(rest),)
        if name == source.form and not source.path:
            return source, ()
    path = Path(name)
    for source in SOURCES:
        word = source.form.partition(":")[0]
        if source.path == "file" and path.suffix == f".{word}" and path.is_file():
            return source, (path,)
        if source.path == "folder" and {"/", os.sep} & set(name) and path.is_dir():
            return source, (path,)
    return TFDS, (name,)
