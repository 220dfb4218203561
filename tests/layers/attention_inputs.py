"""Inputs of attention of distinct prime sizes, a slow reference, gradients, small tiles."""

import keras
import numpy as np
from keras import ops

from cctzoo.layers.attention import tiles

BACKEND = keras.backend.backend()
B, N, T, H = 3, 7, 13, 5


def draw(count=3, shape=(B, N, T, H), dtype="float32"):
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(count, *shape)).astype("float32")
    return [ops.cast(ops.convert_to_tensor(array), dtype) for array in arrays]


def to_numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def make_mask(kind):
    rng = np.random.default_rng(1)
    if kind is None:
        return None
    mask = rng.random((B, T) if kind == "keys" else (B, T, T)) > 0.4
    mask[..., 0] = True  # no row is fully masked
    return mask


def reference(query, key, value, mask):
    """One query at a time, in float64."""
    query, key, value = (to_numpy(x).astype("float64") for x in (query, key, value))
    output = np.zeros(value.shape)
    for b in range(value.shape[0]):
        for n in range(value.shape[1]):
            for t in range(value.shape[2]):
                allowed = np.ones(value.shape[2], bool)
                if mask is not None:
                    allowed = mask[b] if mask.ndim == 2 else mask[b, t]
                logits = key[b, n, allowed] @ query[b, n, t] / np.sqrt(query.shape[-1])
                weights = np.exp(logits - logits.max())
                output[b, n, t] = weights / weights.sum() @ value[b, n, allowed]
    return output


def gradients(function, inputs, upstream):
    """Gradients of sum(function(*inputs) * upstream), as Keras takes them in `fit`."""
    if BACKEND == "jax":
        import jax

        def loss(*x):
            return ops.sum(ops.cast(function(*x) * upstream, "float32"))

        results = jax.jit(jax.grad(loss, tuple(range(len(inputs)))))(*inputs)
    elif BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function
        def compute(*inputs):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                loss = ops.sum(ops.cast(function(*inputs) * upstream, "float32"))
            return tape.gradient(loss, inputs)

        results = compute(*inputs)
    else:
        import torch

        inputs = [x.detach().clone().requires_grad_() for x in inputs]
        loss = ops.sum(ops.cast(function(*inputs) * upstream, "float32"))
        results = torch.autograd.grad(loss, inputs)
    return [to_numpy(x) for x in results]


def set_tile_bytes(monkeypatch, size):
    sizes = dict.fromkeys(["jax", "tensorflow", "torch"], size)
    monkeypatch.setattr(tiles, "CPU_TILE_BYTES", sizes)
    monkeypatch.setattr(tiles, "GPU_TILE_BYTES", size)
