"""Gradients with respect to the gates of a gated model, for each backend."""

from collections.abc import Callable

import keras
from keras import ops

from cctzoo.typing import Tensor

Objective = Callable[[Tensor, Tensor], Tensor]  # (logits (B, C), labels (B,)) -> a number


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Returns the sum of the cross-entropies of the samples."""
    return ops.sum(keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True))


def class_logit(logits: Tensor, y: Tensor) -> Tensor:
    """Returns the sum of the logit of each sample's label."""
    return ops.sum(logits * ops.one_hot(y, logits.shape[-1], dtype=logits.dtype))


def gate_gradients(gated: keras.Model, objective: Objective = cross_entropy) -> Callable:
    """Returns a function (samples, gates, labels) -> gradients, one array for each gate.

    Args:
        gated: a model from `gates.gated_model` or `gates.score_gated_model`.
        objective: a sum over the samples, so that the gates of a sample get the gradient of
            its own term.
    """
    by_backend = {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}
    return by_backend[keras.backend.backend()](gated, objective)


def _jax(gated, objective):
    import jax

    def value(gates, trainable, rest, x, y):
        logits, _ = gated.stateless_call(trainable, rest, [x, *gates], training=False)
        return objective(logits, y)

    gradient = jax.jit(jax.grad(value))

    def compute(x, gates, y):
        trainable = [variable.value for variable in gated.trainable_variables]
        rest = [variable.value for variable in gated.non_trainable_variables]
        return [ops.convert_to_numpy(each) for each in gradient(gates, trainable, rest, x, y)]

    return compute


def _tensorflow(gated, objective):
    import tensorflow as tf

    @tf.function
    def gradient(x, gates, y):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(gates)
            value = objective(gated([x, *gates], training=False), y)
        return tape.gradient(value, gates)

    def compute(x, gates, y):
        gates = [tf.convert_to_tensor(each) for each in gates]
        return [each.numpy() for each in gradient(tf.convert_to_tensor(x), gates, y)]

    return compute


def _torch(gated, objective):
    import torch

    def compute(x, gates, y):
        gates = [ops.convert_to_tensor(each).requires_grad_() for each in gates]
        value = objective(gated([ops.convert_to_tensor(x), *gates], training=False), y)
        return [each.cpu().numpy() for each in torch.autograd.grad(value, gates)]

    return compute
