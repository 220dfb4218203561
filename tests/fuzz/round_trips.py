"""Checks of one model: its outputs, its config, and the ways to save and load it."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from cctzoo import weights
from cctzoo.models import CCT, SoftCommittee
from cctzoo.models.variants import Config, config_from_fields
from cctzoo.typing import Array
from cctzoo.weights.pytorch import AUTHORS
from tests.fuzz.cases import Fault, is_clear

Model = CCT | SoftCommittee
BATCH = 2


def check_calls(numbers: random.Random, model: Model) -> None:
    """The outputs are finite and of the right shape, in inference and in training."""
    x = inputs(model)
    shape = (BATCH, *output_shape(model.config))
    if numbers.random() < 0.1:  # as a graph, which TensorFlow and JAX compile
        _check_outputs("predict", model.predict(x, verbose=0), shape)
    _check_outputs("inference", outputs(model, x), shape)
    if keras.backend.backend() != "jax" or numbers.random() < 0.3:  # compiled once more
        _check_outputs("training", outputs(model, x, training=True), shape)


def check_saving(
    numbers: random.Random, model: Model, folder: Path, again: Callable[[Path], CCT] | None = None
) -> None:
    """A file of one way to save a model gives the same model.

    Only one way for each model, because building models takes most of the time.

    Args:
        numbers: random numbers, which choose the way.
        model: the model.
        folder: where files may be written.
        again: builds the same model with the weights of a file; None for a committee, which
            cannot be loaded from weights alone.
    """
    ways = {"model.keras": _by_keras, "model.safetensors": _by_file, "folder": _by_folder}
    if again is not None:
        fields = json.loads(json.dumps(model.get_config()["config"]))
        if config_from_fields(fields) != model.config:
            raise Fault(f"get_config does not hold the config: {fields}")
        ways |= {"model.weights.h5": _by_weights, "model.pth": _by_pytorch}
    name = numbers.choice(sorted(ways))
    loaded = ways[name](model, folder / name, again)
    if loaded is not None:
        _check_same(name, model, loaded)


def _by_keras(model, path, again):
    model.save(path)
    return keras.saving.load_model(path)


def _by_file(model, path, again):
    weights.save_weights(model, path)
    return weights.load_model(path, model.dtype_policy.name)


def _by_folder(model, path, again):
    weights.save_to_folder(model, path)
    return weights.load_from_folder(path, model.dtype_policy.name)


def _by_weights(model, path, again):
    model.save_weights(path)
    return again(path)


def _by_pytorch(model, path, again):
    try:
        weights.save_pytorch_checkpoint(model, path)
    except ValueError as error:
        fields = {name: getattr(model.config, name) for name in AUTHORS}
        if fields != AUTHORS and is_clear(error, tuple(AUTHORS)):
            return None
        raise
    return again(path)


def inputs(model: Model, count: int = BATCH) -> Array:
    """Random inputs (count, ...) of a model: pixels, normalised pixels, or ids with padding."""
    shape, config = (count, *model.input_shape[1:]), model.config
    generator = np.random.default_rng(0)
    if config.kind == "texts":
        ids = generator.integers(0, config.vocabulary_size, shape, "int32")
        if config.padding_id is not None:
            ids[0, shape[1] // 2 :] = config.padding_id
        return ids
    if config.include_preprocessing:
        return generator.integers(0, 256, shape).astype("float32")
    return generator.standard_normal(shape).astype("float32")


def outputs(model: Model, x: Array, training: bool = False) -> Array:
    """The outputs as float64; only JAX compiles, which is faster than operation by operation."""
    if keras.backend.backend() == "jax":
        import jax

        def call(trainable, others, x):
            return model.stateless_call(trainable, others, x, training=training)[0]

        variables = (model.trainable_variables, model.non_trainable_variables)
        found = jax.jit(call)(*([each.value for each in group] for group in variables), x)
    else:
        found = model(x, training=training)
    return keras.ops.convert_to_numpy(keras.ops.cast(found, "float32")).astype("float64")


def output_shape(config: Config) -> tuple[int, ...]:
    """The output's shape without the batch, as the docstring of `CCT` has it."""
    if config.include_top:
        return (config.classes,)
    if config.token_pooling:
        return (config.embed_dim,)
    if config.kind == "images" and not config.has_class_token:
        return (*config.grid, config.embed_dim)
    return (config.tokens, config.embed_dim)


def _check_outputs(what, found, shape):
    if found.shape != shape:
        raise Fault(f"{what} gives outputs of shape {found.shape} in place of {shape}")
    if not np.isfinite(np.asarray(found, "float64")).all():
        raise Fault(f"{what} gives outputs that are not finite")


def _check_same(name, model, other):
    if other.config != model.config:
        raise Fault(f"{name} gives another config: {other.config}")
    policies = {each.dtype_policy.name for each in getattr(model, "members", [model])}
    if len(policies) > 1 and not name.endswith(".keras"):
        return  # our own files do not hold the precision of each member
    tolerance = 1e-6 if "float64" in policies else 0  # our own files hold float32
    for mine, its in zip(model.get_weights(), other.get_weights(), strict=True):
        mine, its = mine.astype("float64"), its.astype("float64")
        if not np.allclose(mine, its, rtol=tolerance, atol=tolerance):
            raise Fault(f"{name} gives other weights")
    if keras.backend.backend() != "jax":  # compiled once more
        x = inputs(model, 1)
        mine, its = outputs(model, x), outputs(other, x)
        if not np.allclose(mine, its, rtol=1e-5, atol=1e-5):
            raise Fault(f"{name} gives outputs that differ by {np.abs(mine - its).max():.2g}")
