"""Folders of `save_to_folder` on a web server."""

import hashlib
import re
from pathlib import Path

from cctzoo.formats.cache import cache_folder
from cctzoo.formats.safetensors import open_safetensors
from cctzoo.weights.address import Address, not_cached
from cctzoo.weights.download import download
from cctzoo.weights.folder import CONFIG, WEIGHTS, check_config

MOST_LETTERS, HASH_DIGITS = 40, 16


def fetch_from_web(address: Address) -> Path:
    """The local copy of a folder on a web server, which is downloaded if necessary.

    Two files are downloaded: `config.json`, which must be of this package, and then
    `model.safetensors`. The SHA-256 of each is stored next to it and verified on later use, so
    that the copy stays what it is until it is removed.

    Raises:
        ValueError: if a file is of another kind, above its limit, or not in the cache although
            only that may be used.
        OSError: if a file cannot be downloaded.
    """
    folder = _local_folder(address.place)
    checks = {CONFIG: (check_config, "json_bytes"), WEIGHTS: (_check_weights, "array_bytes")}
    for name, (check, limit) in checks.items():
        if address.cached and not (folder / name).is_file():
            raise not_cached(address)  # before anything is created
        try:
            url, path = address.place + name, folder / name
            download(url, path, check=check, limit=limit, only_cached=address.cached)
        except FileNotFoundError as error:
            raise not_cached(address) from error
    return folder


def _local_folder(url):
    """The last word of the URL, for people, and its hash, which is different for each URL."""
    word = re.findall(r"[A-Za-z0-9_-]+", url)[-1][:MOST_LETTERS]
    digest = hashlib.sha256(url.encode()).hexdigest()[:HASH_DIGITS]
    return cache_folder() / "folders" / f"{word}-{digest}"


def _check_weights(path):
    with open_safetensors(path):
        pass  # the header must cover the file without gap or overlap
