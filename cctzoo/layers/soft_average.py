"""Soft average: several models' logits -> one answer."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="cctzoo")
class SoftAverage(keras.layers.Layer):
    """Averages class probabilities, or logits, of several models, in float32.

    Args:
        shares: the weight of each model, floats that sum to 1.
        average: `"probabilities"` or `"logits"`.
        activation: `"softmax"` to give probabilities; None for logits: the mean logits, or
            the logarithm of the mean probabilities.

    Shapes: a list of M logits, each (B, C) -> (B, C).
    """

    def __init__(self, shares, average, activation, dtype="float32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        self.shares = tuple(shares)
        self.average = average
        self.activation = activation

    def call(self, logits):
        pairs = [(share, z) for share, z in zip(self.shares, logits, strict=True) if share]
        if self.average == "logits":
            mean = sum(share * z for share, z in pairs)
            return ops.softmax(mean) if self.activation else mean
        if self.activation:
            return sum(share * ops.softmax(z) for share, z in pairs)
        # Relative to the largest: exp(-104) is 0 in float32, and its logarithm infinite.
        logs = [(share, log_softmax(z)) for share, z in pairs]
        _, largest = logs[0]
        for _, log in logs[1:]:
            largest = ops.maximum(largest, log)
        return largest + ops.log(sum(share * ops.exp(log - largest) for share, log in logs))


def log_softmax(z):
    """`ops.log_softmax`, in an order that exported graphs keep in one partition.

    LiteRT's converter makes the usual (z - largest) - log(sum) into LOG_SOFTMAX, which
    XNNPACK does not run.
    """
    largest = ops.max(z, axis=-1, keepdims=True)
    return z - (largest + ops.log(ops.sum(ops.exp(z - largest), axis=-1, keepdims=True)))
