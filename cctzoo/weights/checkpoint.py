"""Writes PyTorch checkpoints, and finds the state dict in those that others wrote."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.formats.safetensors import write_safetensors
from cctzoo.formats.torch_file import write_torch_file
from cctzoo.models.model import CCT
from cctzoo.models.quantised import is_quantised
from cctzoo.typing import PathLike
from cctzoo.weights.match import Arrays
from cctzoo.weights.pytorch import state_dict

# Keys under which training scripts store the state dict; the first that exists is used. timm
# stores the averaged weights, whose accuracy it reports, as `state_dict_ema`.
WRAPPERS = ("state_dict_ema", "state_dict", "model")
PREFIXES = ("module.", "_orig_mod.")  # of DataParallel and of torch.compile


def save_pytorch_checkpoint(model: CCT, path: PathLike) -> None:
    """Writes the weights of a model in the authors' layout, in float32, for PyTorch code.

    Args:
        model: a `CCT` that the layout has keys for, see `state_dict_keys`.
        path: ends with `.pth` or `.pt` for a file that `torch.load(path, weights_only=True)`
            reads (PyTorch is not needed to write it), or with `.safetensors`.

    Raises:
        ValueError: if the layout has no keys for the model, or the suffix is unknown.
    """
    writers = {".pth": write_torch_file, ".pt": write_torch_file, ".safetensors": _write}
    if Path(path).suffix not in writers:
        raise ValueError(
            f"`path` must end with one of {', '.join(writers)}. Received: path={str(path)!r}"
        )
    if is_quantised(model):
        raise ValueError(
            "A quantised model has no weights in float32. "
            f"Received: the quantised model {model.name!r}"
        )
    writers[Path(path).suffix](state_dict(model), path)


def find_state_dict(values: Any, path: PathLike) -> Arrays:
    """The state dict in the values of a checkpoint.

    Raises:
        ValueError: if there is none.
    """
    arrays = values
    if isinstance(arrays, dict):
        wrapper = next((word for word in WRAPPERS if isinstance(arrays.get(word), dict)), None)
        arrays = arrays if wrapper is None else arrays[wrapper]
    if not isinstance(arrays, dict) or not arrays or not all(map(_is_entry, arrays.items())):
        raise ValueError(
            "A checkpoint must hold a dict of tensors by key, at the top or under one of "
            f"{', '.join(WRAPPERS)}. Received: path={str(path)!r}, which does not"
        )
    return remove_prefixes(arrays)


def remove_prefixes(arrays: Arrays) -> Arrays:
    """The arrays by key, without the prefixes that all keys of a wrapped module have."""
    for prefix in PREFIXES:
        if arrays and all(key.startswith(prefix) for key in arrays):
            arrays = {key.removeprefix(prefix): array for key, array in arrays.items()}
    return arrays


def _write(arrays: Mapping[str, np.ndarray], path: PathLike) -> None:
    write_safetensors(arrays, path, {"format": "pt"})


def _is_entry(item):
    key, value = item
    return isinstance(key, str) and isinstance(getattr(value, "shape", None), tuple)
