"""The only file that uses names which TensorFlow Datasets does not document.

`pyproject.toml` limits the version of TFDS for their sake, and `test_tfds_private.py` says which
of them an upgrade has changed.
"""

from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
from tensorflow_datasets.core.download.util import DownloadError

from cctzoo.formats.fields import TEXTS, check_fields
from cctzoo.formats.reading import read_json, reading

__all__ = [
    "DownloadError",
    "NonMatchingChecksumError",
    "default_data_dir",
    "downloaded_urls",
    "file_urls",
]


NOTE = "a note that TFDS wrote next to a download"


def default_data_dir() -> str:
    """Returns the folder where TFDS keeps prepared sets."""
    return tfds.core.constants.DATA_DIR


def file_urls(builder: Any) -> dict[str, str | None]:
    """Returns {url: file name, or None} of the files that a set is made of."""
    return {url: info.filename for url, info in (builder.url_infos or {}).items()}


def downloaded_urls(downloads: Path) -> set[str]:
    """Returns the URLs of the files in TFDS' folder of downloads.

    TFDS writes `FILE.INFO` (JSON) next to every file that it has downloaded.
    """
    urls = set()
    for note in downloads.rglob("*.INFO"):
        if note.with_suffix("").exists():
            found = {"urls": []} | read_json(note, NOTE)
            with reading(note, NOTE):
                check_fields(found, {"urls": TEXTS})
            urls |= set(found["urls"])
    return urls
