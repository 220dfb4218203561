"""Writes weights files of our own: safetensors files that describe their model."""

import json
from pathlib import Path

import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.formats.safetensors import write_safetensors
from cctzoo.messages import shown
from cctzoo.models.committee import SoftCommittee
from cctzoo.models.model import CCT
from cctzoo.typing import PathLike
from cctzoo.weights.description import describe_model
from cctzoo.weights.names import model_arrays

FORMAT = "cctzoo"  # in the metadata of the file
DESCRIPTION = "cctzoo"  # key of the description in the metadata of a file with PyTorch's names
DTYPES = ("float32", "float16")


@checked_arguments
def save_weights(model: CCT | SoftCommittee, path: PathLike, dtype: str = "float32") -> None:
    """Writes the weights of any model of the zoo with a description of the model.

    Args:
        model: a `CCT` or a `SoftCommittee`, not quantised.
        path: ends with `.safetensors`. Names are those of layers, e.g.
            `block03/attention/qkv/kernel`; for PyTorch's names see `save_pytorch_checkpoint`.
        dtype: `"float32"`, or `"float16"` for half the size and 3 decimal digits.

    Raises:
        ValueError: if an argument is invalid, or the weights are not finite in `dtype`.

    Example:
        ```python
        from cctzoo import models, weights

        model = models.cct_2_3x2_32(classes=5)
        weights.save_weights(model, "model.safetensors", dtype="float16")
        same = weights.load_model("model.safetensors")
        ```
    """
    if Path(path).suffix != ".safetensors":
        raise ValueError(f"`path` must end with .safetensors. Received: path={str(path)!r}")
    if dtype not in DTYPES:
        raise ValueError(f"`dtype` must be one of {DTYPES}. Received: dtype={shown(dtype)}")
    metadata = {"format": FORMAT, "model": json.dumps(describe_model(model))}
    arrays = {}
    for name, array in model_arrays(model).items():
        with np.errstate(over="ignore"):
            arrays[name] = array.astype(dtype)
        if not np.isfinite(arrays[name]).all():
            raise ValueError(
                f"Weights must be finite in {dtype}. Received: {name}, which is not finite"
            )
    write_safetensors(arrays, path, metadata)
