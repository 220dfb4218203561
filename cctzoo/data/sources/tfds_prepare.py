"""Downloading and preparing a TFDS set, with one clear error where that cannot be."""

import json
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import requests  # what TFDS downloads with: the same proxies and certificates
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
from tensorflow_datasets.core.download.util import DownloadError

from cctzoo.data.names import OFFLINE

SECONDS = 8  # that hosts have for an answer; TFDS itself would try for minutes
SHOWN = 10  # files that an error names


def prepare(builder, manual_dir):
    """Prepares a builder's data on disk unless they are there.

    What is prepared here is in TFDS' array_record format: random access without TensorFlow.

    Args:
        builder: of TFDS.
        manual_dir: folder of files fetched elsewhere; each is checked by its checksum.

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
        missing = _missing(builder, manual, downloads)
        silent = _silent_hosts(missing)
        # Not any: the list also has files of a set's other configurations and versions.
        if silent and len(silent) == len({urlsplit(url).netloc for url in missing}):
            raise _unreachable(builder, missing, silent)
    config = tfds.download.DownloadConfig(manual_dir=manual, try_download_gcs=False)
    try:
        builder.download_and_prepare(
            download_config=config, download_dir=downloads, file_format="array_record"
        )
    except NonMatchingChecksumError as error:
        raise ValueError(
            "A file of a TFDS data set must be, byte for byte, the one that TFDS knows; another "
            f"is not used. Received: name={builder.name!r}. {error}"
        ) from None
    except (DownloadError, requests.RequestException) as error:
        raise _unreachable(builder, missing, {"a host": error}) from error


def _check_manual(builder, manual):
    if not manual.is_dir() or not any(manual.iterdir()):
        raise ValueError(
            "TFDS cannot download this data set: its files must be in `manual_dir`. Received: "
            f"name={builder.name!r}, manual_dir={str(manual)!r}, which is missing or empty. "
            f"TFDS says:\n{builder.MANUAL_DOWNLOAD_INSTRUCTIONS.strip()}"
        )


def _unreachable(builder, missing, reasons):
    """The error: what did not answer, and what can be done without."""
    hosts = ", ".join(f"{host} ({reason})" for host, reason in reasons.items())
    files = [f"{info.filename or '?'} ({url})" for url, info in missing.items()]
    files = ", ".join(files[:SHOWN]) + (f" and {len(files) - SHOWN} more" * (len(files) > SHOWN))
    return ValueError(
        "A TFDS data set must be prepared in `data_dir`, or its hosts must answer, or its files "
        f"be in `manual_dir`. Received: name={builder.name!r}, no answer from {hosts}. Without a "
        f"network: {OFFLINE}; or fetch on another machine, keep the names, and pass the folder "
        f"as manual_dir: {files}"
    )


def _missing(builder, manual, downloads):
    """{url: TFDS' UrlInfo} of the files neither handed over nor downloaded before."""
    fetched = set()
    for note in downloads.rglob("*.INFO.json"):  # TFDS writes one beside every download
        if note.with_name(note.name.removesuffix(".INFO.json")).exists():
            fetched |= set(json.loads(note.read_text()).get("urls", ()))
    return {
        url: info
        for url, info in (builder.url_infos or {}).items()
        if url not in fetched and not (info.filename and (manual / info.filename).exists())
    }


def _silent_hosts(urls):
    """{host: reason} of the hosts that give no answer in time; one URL is asked of each."""
    first = {urlsplit(url).netloc: url for url in urls if url.startswith("http")}
    silent = dict.fromkeys(first, f"none within {SECONDS} s")

    def ask(host, url):
        reason = _reason(url)
        if reason is None:
            del silent[host]
        else:
            silent[host] = reason

    # Daemons: looking up a name heeds no time limit, and must not hold up the exit either.
    threads = [threading.Thread(target=ask, args=pair, daemon=True) for pair in first.items()]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + SECONDS
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return dict(silent)


def _reason(url):
    """Why there is no answer; None if there is one, be it a refusal of HEAD."""
    try:
        with requests.head(url, timeout=SECONDS / 2) as answer:
            status = answer.status_code
    except requests.RequestException as error:
        return type(error).__name__
    return f"status {status}" if status in (502, 503, 504) else None  # a proxy's
