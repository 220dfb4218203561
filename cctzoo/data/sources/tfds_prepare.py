"""Downloads and prepares a TFDS set, or fails with one clear error."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import tensorflow_datasets as tfds

from cctzoo.data.sources.hosts import silent_hosts
from cctzoo.data.sources.tfds_private import (
    DownloadError,
    NonMatchingChecksumError,
    downloaded_urls,
    file_urls,
)
from cctzoo.typing import PathLike

SECONDS = 8  # time for hosts to answer; TFDS itself would try for minutes
SHOWN = 10  # files named in an error


def prepare(builder: Any, manual_dir: PathLike | None) -> None:
    """Prepares a builder's data on disk unless they exist.

    The data are written in TFDS' array_record format, which is read without TensorFlow.

    Args:
        builder: a TFDS builder.
        manual_dir: folder with files that were fetched on another machine; their checksums
            are verified.

    Raises:
        ValueError: if files are missing and their hosts do not answer, or a file is wrong.
    """
    if builder.is_prepared():
        return
    downloads = Path(builder.data_dir_root).expanduser() / "downloads"
    manual = Path(manual_dir or downloads / "manual").expanduser()
    missing = {}
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        _check_manual(builder, manual)
    else:
        missing = missing_files(builder, manual, downloads)
        silent = silent_hosts(missing, SECONDS)
        # All hosts, not any: the list includes files of other configurations and versions.
        if silent and len(silent) == len({urlsplit(url).netloc for url in missing}):
            raise _unreachable(builder, missing, silent)
    config = tfds.download.DownloadConfig(manual_dir=manual, try_download_gcs=False)
    try:
        builder.download_and_prepare(
            download_config=config, download_dir=downloads, file_format="array_record"
        )
    except NonMatchingChecksumError as error:
        raise ValueError(
            "A file of a TFDS set must be byte for byte the file that TFDS expects. "
            f"Received: name={builder.name!r}. {error}"
        ) from None
    except (DownloadError, requests.RequestException) as error:
        raise _unreachable(builder, missing, {"a host": error}) from error


def missing_files(builder: Any, manual: Path, downloads: Path) -> dict[str, str | None]:
    """Returns {url: file name, or None} of the files in neither of the two folders."""
    fetched = downloaded_urls(downloads)
    return {
        url: file
        for url, file in file_urls(builder).items()
        if url not in fetched and not (file and (manual / file).exists())
    }


def _check_manual(builder, manual):
    if not manual.is_dir() or not any(manual.iterdir()):
        raise ValueError(
            "TFDS cannot download this data set: its files must be in `manual_dir`. Received: "
            f"name={builder.name!r}, manual_dir={str(manual)!r}, which is missing or empty. "
            f"TFDS says:\n{builder.MANUAL_DOWNLOAD_INSTRUCTIONS.strip()}"
        )


def _unreachable(builder, missing, reasons):
    """Builds the error that names the silent hosts and the ways to do without them."""
    hosts = ", ".join(f"{host} ({reason})" for host, reason in reasons.items())
    files = [f"{file or '?'} ({url})" for url, file in missing.items()]
    listed = ", ".join(files[:SHOWN])
    if len(files) > SHOWN:
        listed += f" and {len(files) - SHOWN} more"
    return ValueError(
        "A TFDS set must be prepared in `data_dir`, or be downloadable, or have its files in "
        f"`manual_dir`. Received: name={builder.name!r}, no answer from {hosts}. Without a "
        "network, use a data set such as 'digits', 'docstrings', 'folder:PATH' or 'csv:PATH', or "
        "fetch the files on another machine, keep their names, and pass their folder as "
        f"manual_dir: {listed}"
    )
