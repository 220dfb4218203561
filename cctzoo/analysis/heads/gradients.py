"""Gradients of the loss with respect to the gates of a gated model, for each backend."""

from collections.abc import Callable

import keras
from keras import ops


def gate_gradients(gated: keras.Model) -> Callable:
    """Returns a function (samples, gates, labels) -> gradients, one array for each gate.

    The loss is the sum of the cross-entropies of the samples, so that the gates of a sample
    get the gradient of its own cross-entropy.

    Args:
        gated: a model from `gates.gated_model`.
    """
    return {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}[keras.backend.backend()](gated)


def _loss(logits, y):
    return ops.sum(keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True))


def _jax(gated):
    import jax

    def loss(gates, trainable, rest, x, y):
        logits, _ = gated.stateless_call(trainable, rest, [x, *gates], training=False)
        return _loss(logits, y)

    gradient = jax.jit(jax.grad(loss))

    def compute(x, gates, y):
        trainable = [variable.value for variable in gated.trainable_variables]
        rest = [variable.value for variable in gated.non_trainable_variables]
        return [ops.convert_to_numpy(each) for each in gradient(gates, trainable, rest, x, y)]

    return compute


def _tensorflow(gated):
    import tensorflow as tf

    @tf.function
    def gradient(x, gates, y):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(gates)
            loss = _loss(gated([x, *gates], training=False), y)
        return tape.gradient(loss, gates)

    def compute(x, gates, y):
        gates = [tf.convert_to_tensor(each) for each in gates]
        return [each.numpy() for each in gradient(tf.convert_to_tensor(x), gates, y)]

    return compute


def _torch(gated):
    import torch

    def compute(x, gates, y):
        gates = [ops.convert_to_tensor(each).requires_grad_() for each in gates]
        loss = _loss(gated([ops.convert_to_tensor(x), *gates], training=False), y)
        return [each.cpu().numpy() for each in torch.autograd.grad(loss, gates)]

    return compute
