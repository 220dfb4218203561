"""The layout of the authors' PyTorch checkpoints, in both directions."""

import json
import logging
import math
from pathlib import Path

import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.formats.safetensors import write_safetensors
from cctzoo.formats.stored_array import StoredArray
from cctzoo.formats.torch_file import write_torch_file
from cctzoo.layers.position import sinusoidal_positions
from cctzoo.messages import received
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.models.model import CCT
from cctzoo.models.quantised import is_quantised
from cctzoo.settings import options
from cctzoo.typing import PathLike
from cctzoo.weights.description import describe_model
from cctzoo.weights.match import Arrays, Variables, assign_arrays
from cctzoo.weights.names import to_float32
from cctzoo.weights.native import DESCRIPTION

logger = logging.getLogger(__name__)

# Orders of axes that turn PyTorch's layout into Keras'; None: the layouts are the same.
CONVOLUTION = (2, 3, 1, 0)  # (out, in, height, width) -> (height, width, in, out)
TEXT_CONVOLUTION = (2, 1, 3, 0)  # (out, 1, words, word_dim) -> (words, 1, word_dim, out)
DENSE = (1, 0)  # (out, in) -> (in, out)
POSITION = "classifier.positional_emb"
TEXT_TOKENIZER = "tokenizer.conv_layers.0.weight"
MAX_POSITIONS = 2**24  # numbers in a table of sines that is computed for a comparison
# Prefixes of keys that a model without top has no variables for.
TOP = ("classifier.fc.", "classifier.attention_pool.")
AUTHORS = {"conv_prefix": 0, "norm": "cct"}  # fields of the models that their layout describes
AUTHORS |= {name: choices[0] for name, choices in options(EncoderConfig).items()}
SUFFIXES = (".pth", ".pt", ".safetensors")


@checked_arguments
def state_dict_keys(model: CCT) -> Variables:
    """The variables of a model by key of the authors' `state_dict`.

    Args:
        model: a `CCT` without a convolutional prefix.

    Returns:
        A dict: key -> (variable, order of axes from PyTorch to Keras, or None).

    Raises:
        ValueError: if the authors' layout has no keys for the model.
    """
    if not isinstance(model, CCT):
        raise ValueError(f"`model` must be a `CCT`. Received: model={model!r}")
    config = model.config
    fields = {name: getattr(config, name) for name in AUTHORS}
    if fields != AUTHORS:
        needed = ", ".join(f"{name}={value!r}" for name, value in AUTHORS.items())
        raise ValueError(f"The authors' layout needs {needed}. {received(**fields)}")
    keys = {}
    for layer in model.layers:
        if layer.name == "class_token":
            keys["classifier.class_emb"] = layer.token, None
        elif layer.name == "position" and config.positional_embedding == "learnable":
            keys[POSITION] = layer.embedding, None
        elif layer.name == "words":
            keys["embedder.embeddings.weight"] = layer.table.embeddings, None
        elif layer.name == "tokenizer":
            keys |= _tokenizer(layer, config)
        elif layer.name.startswith("block"):
            keys |= _block(layer, f"classifier.blocks.{int(layer.name.removeprefix('block'))}")
        elif layer.name == "norm":
            keys |= _norm(layer, "classifier.norm")
        elif layer.name == "pooling" and config.token_pooling == "sequence":
            keys |= _dense(layer.score, "classifier.attention_pool")
        elif layer.name == "classifier":
            keys |= _dense(layer, "classifier.fc")
    return keys


@checked_arguments
def load_state_dict(
    model: CCT, arrays: Arrays, *, grid: tuple[int, int] | None = None, strict: bool = True
) -> None:
    """Loads arrays in the authors' layout into a model; either all are loaded or none.

    Arrays are adapted to another image size, channels, length and classes, and each adaptation
    is logged: see `load_pytorch_checkpoint`.

    Args:
        model: see `state_dict_keys`.
        arrays: by PyTorch key.
        grid: (height, width) of the position embedding in `arrays`, for images. Default: a
            square.
        strict: if False, missing and unexpected keys are logged instead of refused.

    Raises:
        ValueError: listing every missing, unexpected and misshapen key.
    """
    keys = state_dict_keys(model)
    if POSITION in arrays and POSITION not in keys and model.config.positional_embedding:
        _check_sines(arrays[POSITION], model.config.kind == "texts")
        arrays = {key: array for key, array in arrays.items() if key != POSITION}
    if model.config.kind == "texts":
        arrays = {key: _in_two_dimensions(key, array) for key, array in arrays.items()}
    assign_arrays(model, keys, arrays, top=TOP, grid=grid, strict=strict)


@checked_arguments
def state_dict(model: CCT) -> dict[str, np.ndarray]:
    """The weights of a model as float32 arrays by PyTorch key.

    A sinusoidal position embedding is included as a table, as in the authors' checkpoints.

    Args:
        model: see `state_dict_keys`.
    """
    arrays = {}
    for key, (variable, order) in state_dict_keys(model).items():
        array = to_float32(variable)
        arrays[key] = array if order is None else array.transpose(np.argsort(order))
    if model.config.positional_embedding == "sine":
        arrays[POSITION] = model.get_layer("position").embedding
    return arrays


@checked_arguments
def save_pytorch_checkpoint(model: CCT, path: PathLike) -> None:
    """Writes the weights of a model in the authors' layout, in float32, for PyTorch code.

    The authors' code computes softmax attention and GELU: for a model with another attention or
    activation, a line of the log says what other code has to compute with the weights.

    Args:
        model: a `CCT` that the layout has keys for, see `state_dict_keys`.
        path: ends with `.pth` or `.pt` for a file that `torch.load(path, weights_only=True)`
            reads (PyTorch is not needed to write it), or with `.safetensors` for a file that
            `safetensors.torch.load_file(path)` reads. Only the latter also describes the model:
            the number of heads, and the mean and standard deviation of the pixels.

    Raises:
        ValueError: if the layout has no keys for the model, or the suffix is unknown.
    """
    suffix = Path(path).suffix
    if suffix not in SUFFIXES:
        raise ValueError(
            f"`path` must end with one of {', '.join(SUFFIXES)}. Received: path={str(path)!r}"
        )
    if is_quantised(model):
        raise ValueError(
            "A quantised model has no weights in float32. "
            f"Received: the quantised model {model.name!r}"
        )
    arrays = state_dict(model)
    if notice := _describe_other_layers(model.config):
        logger.info("weights: %s", notice)
    if suffix == ".safetensors":
        description = json.dumps(describe_model(model))
        write_safetensors(arrays, path, {"format": "pt", DESCRIPTION: description})
    else:
        write_torch_file(arrays, path)


def _describe_other_layers(config):
    """What the authors' code would have to compute differently, as one sentence; None: nothing."""
    usual = {"block_attention": ("softmax",) * len(config.block_heads), "activation": "gelu"}
    names = [name for name, value in usual.items() if getattr(config, name) != value]
    if not names:
        return None
    fields = [name.removeprefix("block_") for name in names]
    given = ", ".join(f"{name}={getattr(config, name)!r}" for name in fields)
    return (
        f"the weights belong to a model with {given}; the authors' code computes softmax attention "
        "and GELU, so that its outputs differ"
    )


def _check_sines(array, zero_first):
    """Raises ValueError unless a file's positions are the sines that the model computes."""
    shape = tuple(array.shape)
    if len(shape) == 3 and shape[0] == 1 and math.prod(shape) <= MAX_POSITIONS:
        expected = sinusoidal_positions(*shape[1:], zero_first)[None]
        if np.allclose(np.asarray(array), expected, atol=1e-4):
            return
    # The authors' CCT and CVT named `_sine` were trained with learned positions.
    raise ValueError(
        "The file has learned position embeddings: build the model with "
        f'positional_embedding="learnable". Received: {POSITION} of shape {shape}, '
        'positional_embedding="sine"'
    )


def _in_two_dimensions(key, array):
    """The kernel over words (out, 1, words, word_dim); in later code it is (out, in, words)."""
    if key != TEXT_TOKENIZER or len(array.shape) != 3:
        return array
    out, word_dim, words = array.shape
    return StoredArray(
        (out, 1, words, word_dim),
        str(array.dtype),
        lambda: np.asarray(array).transpose(0, 2, 1)[:, None],
    )


def _tokenizer(layer, config):
    if config.kind == "texts":
        return {TEXT_TOKENIZER: (layer.convolution.kernel, TEXT_CONVOLUTION)}
    if config.family != "cct":
        key = "tokenizer.conv_layers.0.0"
        return {f"{key}.weight": (layer.kernel, CONVOLUTION), f"{key}.bias": (layer.bias, None)}
    return {
        f"tokenizer.conv_layers.{i}.0.weight": (convolution.kernel, CONVOLUTION)
        for i, convolution in enumerate(layer.convolutions)
    }


def _block(block, key):
    attention = block.attention
    return {
        **_norm(block.attention_norm, f"{key}.pre_norm"),
        f"{key}.self_attn.qkv.weight": (attention.qkv.kernel, DENSE),
        **_dense(attention.projection, f"{key}.self_attn.proj"),
        **_norm(block.mlp_norm, f"{key}.norm1"),
        **_dense(block.expand, f"{key}.linear1"),
        **_dense(block.contract, f"{key}.linear2"),
    }


def _norm(norm, key):
    return {f"{key}.weight": (norm.gamma, None), f"{key}.bias": (norm.beta, None)}


def _dense(dense, key):
    return {f"{key}.weight": (dense.kernel, DENSE), f"{key}.bias": (dense.bias, None)}
