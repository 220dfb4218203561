"""The only file that uses names which TensorFlow Datasets does not document.

`pyproject.toml` limits the version of TFDS for their sake, and `test_tfds_private.py` says which
of them an upgrade has changed.
"""

import json
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
from tensorflow_datasets.core.download.util import DownloadError

__all__ = [
    "DownloadError",
    "NonMatchingChecksumError",
    "default_data_dir",
    "downloaded_urls",
    "file_urls",
]


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
            urls |= set(json.loads(note.read_text()).get("urls", ()))
    return urls
