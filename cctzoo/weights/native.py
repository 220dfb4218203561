"""Weights of any model of the zoo, in a safetensors file that says what model they are of."""

import contextlib
import json
from pathlib import Path

import numpy as np
from keras import ops

from cctzoo.formats.safetensors import open_safetensors, write_safetensors
from cctzoo.models.model import CCT
from cctzoo.weights.description import build, check_same, config_of, description, parse
from cctzoo.weights.match import assign, match_arrays
from cctzoo.weights.names import TOP, variable_names

FORMAT = "cctzoo"
DTYPES = ("float32", "float16")


def save_weights(model, path, dtype="float32"):
    """Writes the weights of any model, with a convolutional prefix and committees too.

    Args:
        model: a `CCT` or a `SoftCommittee`.
        path: ends with `.safetensors`. Names are those of layers, as in
            `block03/attention/qkv/kernel`; for PyTorch's: `save_pytorch_checkpoint`.
        dtype: `"float32"`, or `"float16"` for half the size and 3 decimal digits.

    Raises:
        ValueError: for another suffix or type, another kind of model, and for weights that
            float16 cannot hold.
    """
    if Path(path).suffix != ".safetensors":
        raise ValueError(f"`path` must end with .safetensors. Received: path={str(path)!r}")
    if dtype not in DTYPES:
        raise ValueError(f"`dtype` must be one of {DTYPES}. Received: dtype={dtype!r}")
    about = json.dumps(description(model))
    arrays = {}
    for name, (variable, _) in variable_names(model).items():
        array = ops.convert_to_numpy(ops.cast(variable, "float32"))
        with np.errstate(over="ignore"):
            arrays[name] = array.astype(dtype)
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"Weights must be finite in {dtype}. Received: {name}, which is not")
    write_safetensors(arrays, path, {"format": FORMAT, "model": about})


def load_weights(model, path):
    """Fills a model from a file of `save_weights`; wholly or not at all.

    What depends on image size, channels and classes is adapted, and said, as in
    `load_pytorch_checkpoint`; between committees nothing is.

    Raises:
        ValueError: for a broken file, and for one of a model that differs in more.
    """
    with open_native(path) as (arrays, about):
        mine = json.loads(json.dumps(description(model)))
        grid = None
        if isinstance(model, CCT) and about.get("kind") == "cct":
            source = config_of(about)
            check_same(source, model.config, "This file's weights")
            grid = source.grid
        elif _shape(about) is None or _shape(about) != _shape(mine):
            raise ValueError(
                "Weights of a committee fit the same committee only. Received: weights of "
                f"{str(about.get('name'))[:50]!r} for {model.name!r}"
            )
        assign(*match_arrays(model, variable_names(model), arrays, top=TOP, grid=grid))


def load_model(path, dtype=None):
    """The model that a file of `save_weights` says that its weights are of.

    Args:
        path: of the file.
        dtype: policy, e.g. `"mixed_bfloat16"`. Default: Keras' global one.

    Raises:
        ValueError: for a broken file, or one that does not say.
    """
    with open_native(path) as (arrays, about):
        model = build(about, sum(array.size for array in arrays.values()), dtype)
        assign(*match_arrays(model, variable_names(model), arrays))
    return model


@contextlib.contextmanager
def open_native(path):
    """Yields (arrays by name, the model's description) of a file of `save_weights`."""
    with open_safetensors(path) as (arrays, metadata):
        if metadata.get("format") != FORMAT:
            raise ValueError(
                "`path` must be a file of `save_weights`, which says what its weights are of. "
                f"Received: path={str(path)!r}, which does not"
            )
        yield arrays, parse(metadata.get("model", ""))


def is_native(path):
    """Whether a safetensors file was written by `save_weights`."""
    with open_safetensors(path) as (_, metadata):
        return metadata.get("format") == FORMAT


def _shape(about):
    """What has to be equal for weights of one committee to fit another, or None."""
    members = about.get("members")
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        return None
    kept = [(member.get("name"), member.get("config")) for member in members]
    return kept, about.get("average"), about.get("weights")
