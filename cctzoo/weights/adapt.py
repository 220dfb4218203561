"""Adapts arrays to a model with another image size, other channels or another length.

Each rule is a function of the array's shape, the variable's shape and a list of notes. It
returns the function that adapts the array, or None if the array cannot be adapted.
"""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

Rule = Callable[[tuple, tuple, list[str]], Callable[[np.ndarray], np.ndarray] | None]


def adaptations(model: keras.Model, grid: tuple[int, int] | None) -> dict[int, Rule]:
    """The rules of a `CCT`, by the `id` of the variable that each is for.

    Args:
        model: a `CCT`; other models have no rules.
        grid: (height, width) of the arrays' position embedding, see `assign_arrays`.
    """
    config = getattr(model, "config", None)
    if not hasattr(config, "family"):  # a committee
        return {}
    rules = {}
    if config.kind == "images":
        stem = model.get_layer("tokenizer")
        kernel = stem.convolutions[0].kernel if config.family == "cct" else stem.kernel
        rules[id(kernel)] = _change_channels
    if config.positional_embedding == "learnable":
        embedding = model.get_layer("position").embedding
        rules[id(embedding)] = _change_grid(config, grid)
        if config.kind == "texts":
            rules[id(embedding)] = _cut_positions
    return rules


def fit_shape(shape, target, notes):
    """The rule of all other variables: equal shapes."""
    return (lambda array: array) if shape == target else None


def _change_channels(shape, target, notes):
    """The kernel (height, width, in, out) of the first convolution: another number of `in`."""
    if shape == target or len(shape) != 4:
        return fit_shape(shape, target, notes)
    old, new = shape[2], target[2]
    if not old or (*shape[:2], *shape[3:]) != (*target[:2], *target[3:]):
        return None
    if new == 1:  # equals the old model on a grey image that is repeated in all channels
        notes.append(f"first kernel summed over channels, {old} -> {new}")
        return lambda array: array.astype("float32").sum(axis=2, keepdims=True)
    notes.append(f"first kernel repeated for channels, {old} -> {new}")
    places = np.arange(new) % old
    return lambda array: array.astype("float32")[:, :, places] * (old / new)


def _cut_positions(shape, target, notes):
    """Position embeddings (1, T, D) of text: the first of a longer sequence."""
    if shape == target or len(shape) != 3:
        return fit_shape(shape, target, notes)
    if shape[1] < target[1] or (shape[0], shape[2]) != (1, target[2]):
        return None
    notes.append(f"position embedding cut, {shape[1]} -> {target[1]} tokens")
    return lambda array: array[:, : target[1]]


def _change_grid(config, grid):
    """The rule for position embeddings (1, T, D) of images."""
    extra = int(config.has_class_token)  # its position comes first

    def change_grid(shape, target, notes):
        if len(shape) != 3 or shape[0] != 1 or shape[2] != target[2]:
            return None
        tokens = shape[1] - extra
        side = math.isqrt(max(tokens, 0))
        source = tuple(grid or (config.grid if shape == target else (side, side)))
        if tokens < 1 or math.prod(source) != tokens:
            return None
        if source == config.grid:
            return lambda array: array
        notes.append(f"position embedding resized {source} -> {config.grid}")
        return lambda array: _resize(array, extra, source, config.grid)

    return change_grid


def _resize(positions, extra, source, target):
    """(1, T, D) on the source grid -> (1, T', D) on the target grid, bilinearly.

    The position of a class token, the first of `extra`, is kept.
    """
    positions = positions.astype("float32")
    grid = positions[:, extra:].reshape(1, *source, -1)  # (1, H, W, D)
    resized = ops.image.resize(
        grid, target, interpolation="bilinear", antialias=False, data_format="channels_last"
    )
    resized = ops.convert_to_numpy(resized).reshape(1, -1, positions.shape[2])
    return np.concatenate([positions[:, :extra], resized], axis=1)
