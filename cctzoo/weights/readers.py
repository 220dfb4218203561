"""Opens weights of each kind: one context manager for a kind of file or folder."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from cctzoo import limits
from cctzoo.formats.reading import reading
from cctzoo.formats.safetensors import open_safetensors
from cctzoo.formats.torch_file import open_torch_file
from cctzoo.models.variants import Config
from cctzoo.typing import PathLike
from cctzoo.weights.description import check_description, describe_model, parse_description
from cctzoo.weights.folder import CONFIG, WEIGHTS
from cctzoo.weights.keras_file import check_weights_file, load_keras_model
from cctzoo.weights.match import Arrays
from cctzoo.weights.names import model_arrays
from cctzoo.weights.native import DESCRIPTION, FORMAT
from cctzoo.weights.state_dicts import StateDict, find_state_dicts


class Contents(NamedTuple):
    """Opened weights.

    Args:
        arrays: by our own names; None for a file in another layout.
        description: of the model, see `describe_model`; None if the file holds only weights.
        configs: of the described `CCT`, or of the members of the described committee.
        state_dicts: for a file with PyTorch's keys, the dicts that can hold the weights.
    """

    arrays: Arrays | None
    description: dict[str, Any] | None = None
    configs: tuple[Config, ...] = ()
    state_dicts: tuple[StateDict, ...] = ()


Reader = Callable[[Path], AbstractContextManager[Contents]]


def check_file(path: PathLike) -> None:
    """Raises ValueError unless the file exists."""
    if not Path(path).is_file():
        raise ValueError(f"`path` must be a file that exists. Received: path={str(path)!r}")


@contextlib.contextmanager
def open_checkpoint(path: Path) -> Iterator[Contents]:
    """A PyTorch checkpoint."""
    with open_torch_file(path) as values:
        yield Contents(None, state_dicts=_state_dicts(values, path))


@contextlib.contextmanager
def open_safetensors_weights(path: Path) -> Iterator[Contents]:
    """A file of `save_weights`, or a safetensors file in the authors' layout."""
    with open_safetensors(path) as (arrays, metadata):
        if metadata.get("format") == FORMAT:
            yield _described(arrays, metadata.get("model", ""), path)
        elif DESCRIPTION in metadata:
            contents = _described(arrays, metadata[DESCRIPTION], path)
            yield contents._replace(arrays=None, state_dicts=_state_dicts(arrays, path))
        else:
            yield Contents(None, state_dicts=_state_dicts(arrays, path))


@contextlib.contextmanager
def open_folder(path: Path) -> Iterator[Contents]:
    """A folder of `save_to_folder`."""
    for name in (CONFIG, WEIGHTS):
        if not (path / name).is_file():
            raise ValueError(
                f"`path` must be a folder with {CONFIG} and {WEIGHTS}. Received: "
                f"path={str(path)!r}, without {name}"
            )
    with reading(path / CONFIG, "a config of `save_to_folder`"):
        size = (path / CONFIG).stat().st_size
        limits.check("json_bytes", size, "The size of a config", bytes=size)
        text = (path / CONFIG).read_text(encoding="utf-8-sig")
    with open_safetensors(path / WEIGHTS) as (arrays, _):
        yield _described(arrays, text, path)


@contextlib.contextmanager
def open_keras(path: Path) -> Iterator[Contents]:
    """A `.keras` file of a `CCT` or a `SoftCommittee`."""
    model = load_keras_model(path)
    with reading(path, "a `.keras` file of a model that is not quantised"):
        description = describe_model(model)
    configs = getattr(model.config, "members", (model.config,))
    yield Contents(model_arrays(model), description, configs)


@contextlib.contextmanager
def open_keras_weights(path: Path) -> Iterator[Contents]:
    """A `.weights.h5` file, which `Source.load_into` leaves to Keras."""
    check_weights_file(path)
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
        numbers = sum(array.size for array in arrays.values())
        configs = check_description(description, len(arrays), numbers)
    except ValueError as error:
        raise ValueError(
            "The description of the model must be valid, as the functions of `cctzoo.weights` "
            f"write it. Received: path={str(path)!r}: {error}"
        ) from error
    return Contents(arrays, description, tuple(configs))


def _state_dicts(values, path):
    try:
        return find_state_dicts(values)
    except ValueError as error:
        raise ValueError(f"{error}, path={str(path)!r}") from error
