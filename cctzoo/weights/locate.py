"""Finds trained weights by a tag or a path, without opening them."""

from pathlib import Path

from cctzoo.typing import PathLike
from cctzoo.weights.registry import WEIGHTS, TrainedWeights, tags_hint

SUFFIXES = (".pth", ".pt", ".safetensors", ".weights.h5", ".keras")


def locate_weights(
    weights: PathLike, model: str | None = None, argument: str = "weights"
) -> TrainedWeights | Path:
    """The registry row of a tag, or the path of an existing file or folder.

    Args:
        weights: a tag of `list_weights()`; a tag without the model's name, if `model` is given;
            a folder of `save_to_folder`; or a file with one of `SUFFIXES`.
        model: the model's name that completes a tag, e.g. "cifar10".
        argument: the name of the caller's argument, for the error message.

    Raises:
        ValueError: if there are no such weights.
    """
    if isinstance(weights, str):
        row = WEIGHTS.get(weights) or WEIGHTS.get(f"{model}.{weights}")
        if row is not None:
            return row
    path = Path(weights)
    if path.is_dir() or (path.is_file() and path.name.endswith(SUFFIXES)):
        return path
    raise ValueError(
        f"`{argument}` must be the tag of trained weights, a folder of `save_to_folder`, or a "
        f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file that exists. "
        f"{tags_hint(str(weights), model)} Received: {argument}={str(weights)!r}"
    )


def check_file(path: PathLike) -> None:
    """Raises ValueError unless the file exists."""
    if not Path(path).is_file():
        raise ValueError(f"`path` must be a file that exists. Received: path={str(path)!r}")
