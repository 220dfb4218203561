"""Opens weights of each kind: one context manager for a kind of file or folder."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import keras

from cctzoo.formats.safetensors import open_safetensors
from cctzoo.formats.torch_file import open_torch_file
from cctzoo.models.variants import Config
from cctzoo.typing import PathLike
from cctzoo.weights.description import check_description, describe_model, parse_description
from cctzoo.weights.folder import CONFIG, WEIGHTS
from cctzoo.weights.match import Arrays
from cctzoo.weights.names import model_arrays
from cctzoo.weights.native import FORMAT

# Keys under which training scripts store the state dict; the first that exists is used. timm
# stores the averaged weights, whose accuracy it reports, as `state_dict_ema`.
WRAPPERS = ("state_dict_ema", "state_dict", "model")
PREFIXES = ("module.", "_orig_mod.")  # of DataParallel and of torch.compile


class Contents(NamedTuple):
    """Opened weights.

    Args:
        arrays: by name: by our own names if there is a description, else by PyTorch key. None
            for a file that only Keras can read.
        description: of the model, see `describe_model`; None if the file holds only weights.
        configs: of the described `CCT`, or of the members of the described committee.
    """

    arrays: Arrays | None
    description: dict[str, Any] | None = None
    configs: tuple[Config, ...] = ()


Reader = Callable[[Path], AbstractContextManager[Contents]]


def check_file(path: PathLike) -> None:
    """Raises ValueError unless the file exists."""
    if not Path(path).is_file():
        raise ValueError(f"`path` must be a file that exists. Received: path={str(path)!r}")


@contextlib.contextmanager
def open_checkpoint(path: Path) -> Iterator[Contents]:
    """A PyTorch checkpoint."""
    with open_torch_file(path) as values:
        yield Contents(_find_state_dict(values, path))


@contextlib.contextmanager
def open_safetensors_weights(path: Path) -> Iterator[Contents]:
    """A file of `save_weights`, or a safetensors file in the authors' layout."""
    with open_safetensors(path) as (arrays, metadata):
        if metadata.get("format") == FORMAT:
            yield _described(arrays, metadata.get("model", ""), path)
        else:
            yield Contents(_remove_prefixes(arrays))


@contextlib.contextmanager
def open_folder(path: Path) -> Iterator[Contents]:
    """A folder of `save_to_folder`."""
    for name in (CONFIG, WEIGHTS):
        if not (path / name).is_file():
            raise ValueError(
                f"`path` must be a folder with {CONFIG} and {WEIGHTS}. Received: "
                f"path={str(path)!r}, without {name}"
            )
    with open_safetensors(path / WEIGHTS) as (arrays, _):
        yield _described(arrays, (path / CONFIG).read_text(encoding="utf-8"), path)


@contextlib.contextmanager
def open_keras(path: Path) -> Iterator[Contents]:
    """A `.keras` file of a `CCT` or a `SoftCommittee`."""
    try:
        model = keras.saving.load_model(path, compile=False)
        description = describe_model(model)
    except Exception as error:  # Keras raises errors of many types if a file is broken
        raise ValueError(
            "`path` must be a complete `.keras` file of a `CCT` or a `SoftCommittee`. "
            f"Received: path={str(path)!r}: {type(error).__name__}: {error}"
        ) from error
    configs = getattr(model.config, "members", (model.config,))
    yield Contents(model_arrays(model), description, configs)


@contextlib.contextmanager
def open_keras_weights(path: Path) -> Iterator[Contents]:
    """A `.weights.h5` file, which `Source.load_into` leaves to Keras."""
    yield Contents(None)


READERS = {
    ".pth": open_checkpoint,
    ".pt": open_checkpoint,
    ".safetensors": open_safetensors_weights,
    ".weights.h5": open_keras_weights,
    ".keras": open_keras,
}


def _described(arrays, text, path):
    try:
        description = parse_description(text)
        elements = sum(array.size for array in arrays.values())
        configs = check_description(description, elements)
    except ValueError as error:
        raise ValueError(
            "The description of the model must be valid, as `save_weights` and `save_to_folder` "
            f"write it. Received: path={str(path)!r}: {error}"
        ) from error
    return Contents(arrays, description, tuple(configs))


def _find_state_dict(values, path):
    """The state dict in a checkpoint, without the prefixes of its keys."""
    arrays = values
    if isinstance(arrays, dict):
        wrapper = next((word for word in WRAPPERS if isinstance(arrays.get(word), dict)), None)
        arrays = arrays if wrapper is None else arrays[wrapper]
    if not isinstance(arrays, dict) or not arrays or not all(map(_is_entry, arrays.items())):
        raise ValueError(
            "A checkpoint must hold a dict of tensors by key, at the top or under one of "
            f"{', '.join(WRAPPERS)}. Received: path={str(path)!r}, which does not"
        )
    return _remove_prefixes(arrays)


def _remove_prefixes(arrays):
    """The arrays by key, without the prefixes that all keys of a wrapped module have."""
    for prefix in PREFIXES:
        if arrays and all(key.startswith(prefix) for key in arrays):
            arrays = {key.removeprefix(prefix): array for key, array in arrays.items()}
    return arrays


def _is_entry(item):
    key, value = item
    return isinstance(key, str) and isinstance(getattr(value, "shape", None), tuple)
