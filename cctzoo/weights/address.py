"""Addresses of models: repositories of the Hugging Face Hub, and folders of web servers."""

import dataclasses
import os
import re
import urllib.parse

from cctzoo.messages import received, shown
from cctzoo.typing import PathLike

# A `Path` has one slash where the address has two.
ADDRESS = re.compile(r"(?P<cached>cached:)?(?P<scheme>hf|https?):/+(?P<rest>.*)", re.DOTALL)
NAME = r"[A-Za-z0-9_][\w.-]{0,95}"
REPOSITORY = re.compile(rf"{NAME}/{NAME}", re.ASCII)
# A branch, a tag or a commit. It is a part of paths in the cache: no part of it is `..`.
REVISION = re.compile(r"\w[\w.+-]{0,99}(/\w[\w.+-]{0,99}){0,9}", re.ASCII)
HUB_HOSTS = {"huggingface.co", "www.huggingface.co", "hf.co"}
THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
CACHED = "cached:"
FILE = re.compile(r".*\.(safetensors|keras|h5|pth|pt|json)/*")


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a folder of `save_to_folder` is, outside of this machine.

    Args:
        place: `hf://user/name`, or the URL of the folder, which ends with a slash.
        repository: `user/name` on the Hub; None for a URL.
        revision: branch, tag or commit in the repository. Default: its main branch.
        cached: whether only what was downloaded before may be used. Such an address comes from
            a file.
    """

    place: str
    repository: str | None = None
    revision: str | None = None
    cached: bool = False

    def __str__(self) -> str:
        return self.place if self.revision is None else f"{self.place}@{self.revision}"

    @property
    def source(self) -> str:
        """The text that `parse_address` reads."""
        return f"{CACHED}{self}" if self.cached else str(self)


def is_address(source: object) -> bool:
    """Whether a source is an address, valid or not, instead of a tag or a path."""
    return isinstance(source, str | os.PathLike) and bool(ADDRESS.match(os.fspath(source)))


def parse_address(source: PathLike, argument: str = "path") -> Address | None:
    """The address that a text is, or None for a tag or a path. Nothing is downloaded.

    Args:
        source: `hf://user/name`, `hf://user/name@REVISION`, or `https://host/path/`. With
            `cached:` in front, it may not be downloaded.
        argument: the name of the caller's argument, for the error message.

    Raises:
        ValueError: if an address is invalid.
    """
    found = ADDRESS.fullmatch(os.fspath(source))
    if found is None:
        return None
    parse = _hub_address if found["scheme"] == "hf" else _web_address
    return parse(found, argument, str(source))


def without_download(source: str | None) -> str | None:
    """A source from a file: an address in it may only be used if it was downloaded before."""
    if source is None or not is_address(source) or source.startswith(CACHED):
        return source
    return CACHED + source


def not_cached(address: Address) -> ValueError:
    """The error for an address from a file that was never downloaded."""
    return ValueError(
        "A model whose address comes from a file is not downloaded. If you trust it, download it "
        f"by `cctzoo.weights.load_model({str(address)!r})` first, or name it as an argument. "
        f"Received: {str(address)!r}, which is not in the cache"
    )


def _hub_address(found, argument, source):
    repository, at, revision = found["rest"].rstrip("/").partition("@")
    if not _is_repository(repository) or (at and not REVISION.fullmatch(revision)):
        raise ValueError(
            "An address of the Hugging Face Hub must be hf://user/name or "
            f"hf://user/name@REVISION. {received(**{argument: source})}"
        )
    return Address(f"hf://{repository}", repository, revision or None, bool(found["cached"]))


def _is_repository(name):
    return REPOSITORY.fullmatch(name) and ".." not in name and "--" not in name


def _web_address(found, argument, source):
    url = f"{found['scheme']}://{found['rest']}"
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:  # brackets, or a port that is not a number
        raise ValueError(
            f"A URL must be valid, {error}. {received(**{argument: source})}"
        ) from error
    if host in HUB_HOSTS:
        raise ValueError(
            "A model of the Hugging Face Hub must be addressed by hf://user/name. "
            f"{received(**{argument: source})}"
        )
    is_plain = url.isascii() and url.isprintable() and " " not in url
    is_more = parts.query or parts.fragment or parts.username or parts.password
    if not host or not is_plain or is_more or FILE.fullmatch(parts.path):
        raise ValueError(
            "A URL must be that of a folder, https://host/path/, without a user, `?` or `#`, and "
            f"with other characters escaped. {received(**{argument: source})}"
        )
    if parts.scheme != "https" and host not in THIS_MACHINE:
        raise ValueError(
            "A URL must start with https://: nothing else protects the file on its way. "
            f"{received(**{argument: source})}"
        )
    return Address(url.rstrip("/") + "/", cached=bool(found["cached"]))


def repository_name(repository: str) -> str:
    """Checks `user/name`, with or without `hf://` in front, and returns it without.

    Raises:
        ValueError: if it is not the name of a repository.
    """
    name = repository.removeprefix("hf://").rstrip("/")
    if not _is_repository(name):
        raise ValueError(
            "`repository` must be user/name, of letters, digits and `-`, `_`, `.`. "
            f"Received: repository={shown(repository)}"
        )
    return name
