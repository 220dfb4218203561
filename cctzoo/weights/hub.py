"""Models on the Hugging Face Hub, by `huggingface_hub`, which keeps its own cache and tokens."""

import contextlib
import hashlib
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cctzoo import limits
from cctzoo.arguments import checked_arguments
from cctzoo.formats.atomic import temporary_folder
from cctzoo.messages import printable
from cctzoo.models.committee import SoftCommittee
from cctzoo.models.model import CCT
from cctzoo.optional_packages import require
from cctzoo.typing import PathLike
from cctzoo.weights.address import Address, not_cached, repository_name
from cctzoo.weights.card import LOADING
from cctzoo.weights.folder import CARD, CONFIG, LIBRARY, WEIGHTS, check_config, save_to_folder
from cctzoo.weights.readers import open_folder

logger = logging.getLogger(__name__)

SHA256 = re.compile("[0-9a-f]{64}")
LOG_IN = "log in by `hf auth login`, or set HF_TOKEN"


def fetch_from_hub(address: Address) -> Path:
    """The folder of a model in the cache of `huggingface_hub`, which is filled if necessary.

    Two files are downloaded, of one commit: `config.json`, which must be of this package, and
    then `model.safetensors`. Their sizes are compared with the limits before that. Without a
    connection, and with `HF_HUB_OFFLINE=1`, the files in the cache are used.

    Raises:
        ModuleNotFoundError: if `huggingface_hub` is not installed.
        ValueError: if there is no such repository or revision, access is refused, or the
            repository is not of this package.
        OSError: if the Hub cannot be reached and the model is not in the cache.
    """
    _require_hub()
    with _clear_errors(str(address)):
        config = _download(address, CONFIG, address.revision, "json_bytes")
        try:
            check_config(config)
        except ValueError as error:
            raise ValueError(
                f"The repository must hold a model of cctzoo. Received: {address}. {error}"
            ) from error
        commit = config.parent.name  # the cache has one folder per commit
        _check_sha256(_download(address, WEIGHTS, commit, "array_bytes"))
    return config.parent


@checked_arguments
def push_to_hub(
    model: CCT | SoftCommittee | PathLike,
    repository: str,
    *,
    private: bool | None = None,
    message: str = "Upload a model of cctzoo",
    **card: Any,
) -> str:
    """Uploads a model, or a folder of `save_to_folder`, to the Hugging Face Hub.

    The repository is created if it does not exist. `config.json`, `model.safetensors` and
    `README.md` become one commit, and other files in the folder and in the repository stay where
    they are. Needs the extra `hub` and a token that may write: log in by `hf auth login`, or set
    `HF_TOKEN`.

    Args:
        model: any model of the zoo, or the path of a folder.
        repository: `user/name`.
        private: whether a new repository is private. Default: as the user or the organisation
            has chosen on the Hub.
        message: of the commit.
        **card: keywords of `save_to_folder` (`dtype`, `licence`, `dataset`, `accuracy`, `notes`),
            if `model` is not a folder.

    Returns:
        The address of the commit, `hf://user/name@COMMIT`, which `load_model` takes.

    Raises:
        ModuleNotFoundError: if `huggingface_hub` is not installed.
        ValueError: if an argument is invalid, the folder is broken, or the token may not write.
            Nothing is uploaded then.
        OSError: if the Hub cannot be reached, or refuses the files.
    """
    name = repository_name(repository)
    _require_hub()
    if isinstance(model, CCT | SoftCommittee):
        with temporary_folder() as folder:
            save_to_folder(model, folder / "model", **card)
            return _upload(folder / "model", name, private, message)
    if card:
        raise ValueError(
            "A folder has its card and its weights already: other arguments are for a model. "
            f"Received: model={os.fspath(model)!r}, {', '.join(card)}"
        )
    with open_folder(Path(model)):
        check_config(Path(model, CONFIG))
        return _upload(Path(model), name, private, message)


def _upload(folder, name, private, message):
    from huggingface_hub import CommitOperationAdd, HfApi

    files = {file: str(folder / file) for file in (CONFIG, WEIGHTS)}
    if (folder / CARD).is_file():
        text = (folder / CARD).read_text(encoding="utf-8")
        files[CARD] = text.replace(LOADING, f'load_model("hf://{name}")').encode()
    additions = [CommitOperationAdd(file, content) for file, content in files.items()]
    api = HfApi(library_name=LIBRARY)
    with _clear_errors(f"hf://{name}"):
        api.create_repo(name, private=private, exist_ok=True)
        commit = api.create_commit(name, additions, commit_message=message)
    return f"hf://{name}@{commit.oid}"


def _download(address, name, revision, limit):
    """The path of a file in the cache, where it is downloaded to after a check of its size."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    repository = address.repository
    if address.cached:  # `hf_hub_download` asks the Hub in any case, e.g. for its list of agents
        found = try_to_load_from_cache(repository, name, revision=revision)
        if not isinstance(found, str):
            raise not_cached(address)
        return Path(found)
    options = {"revision": revision, "library_name": LIBRARY}
    found = hf_hub_download(repository, name, dry_run=True, **options)
    if found.file_size is None:
        raise ValueError(f"The Hub must state the size of a file. Received: {name}, {address}")
    limits.check(limit, found.file_size, f"The number of bytes of {name}", bytes=found.file_size)
    if found.will_download:
        logger.info("weights: downloading %s of %s", name, address)
    return Path(hf_hub_download(repository, name, **options))


def _check_sha256(path):
    """Raises ValueError if a file differs from the one on the Hub.

    `huggingface_hub` compares only the size. Its cache links to a file that is named by its
    SHA-256, and which may itself be a link. Where the system has no links, the name is not known
    and nothing is compared.
    """
    target = path.parent / os.readlink(path) if path.is_symlink() else path
    if not SHA256.fullmatch(target.name):
        return
    with open(target, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != target.name:
        raise ValueError(
            "A file in the cache of the Hub must be the file on the Hub: remove it, to download it "
            f"again. Received: path={os.path.normpath(target)!r} with the SHA-256 {digest}"
        )


def _require_hub():
    require("huggingface_hub", extra="hub", purpose="A model on the Hugging Face Hub")


@contextlib.contextmanager
def _clear_errors(address: str) -> Iterator[None]:
    """Turns the errors of `huggingface_hub` in the block into one that says what to do."""
    from httpx2 import HTTPError
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ValueError(
            "Access to the repository must be granted on its page on the Hub first; then "
            f"{LOG_IN}. Received: {address}"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ValueError(
            "The repository must exist, and a private one needs a token that may read it, or write "
            f"it for an upload: {LOG_IN}. Received: {address}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ValueError(
            "The revision must be a branch, a tag or a commit of the repository. "
            f"Received: {address}"
        ) from error
    except errors.RemoteEntryNotFoundError as error:
        raise ValueError(
            f"The repository must hold a model of cctzoo, with {CONFIG} and {WEIGHTS}. "
            f"Received: {address}"
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise OSError(f"HF_HUB_OFFLINE must not be set for this. Received: {address}") from error
    except errors.LocalEntryNotFoundError as error:
        raise OSError(
            "The Hub cannot be reached, and the model is not in its cache: check the connection, "
            "HF_HUB_OFFLINE and HF_ENDPOINT, or load a folder that was downloaded elsewhere. "
            f"Received: {address}"
        ) from error
    except HTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            raise ValueError(
                f"The token must be allowed to do this: {LOG_IN}. "
                f"Received: {address}, status {status}"
            ) from error
        raise OSError(f"The Hub failed. Received: {address}, {_line(error)}") from error
    except RuntimeError as error:  # a large file could not be uploaded
        reason = _line(error.__cause__ or error)
        raise OSError(f"The upload failed. Received: {address}, {reason}") from error


def _line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable("; ".join(lines))[:300] or type(error).__name__
