"""Soft average: the mean output of several models."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.typing import Tensor


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class SoftAverage(keras.layers.Layer):
    """Averages class probabilities, or logits, of several models, in float32.

    Args:
        shares: weight of each model; the weights sum to 1.
        average: `"probabilities"` or `"logits"`.
        activation: `"softmax"` returns probabilities, None logits: the mean logits, or the
            logarithm of the mean probabilities.

    Shapes: a list of M logits, each (B, C) -> (B, C).
    """

    def __init__(
        self,
        shares: Sequence[float],
        average: str,
        activation: str | None,
        dtype: Any = "float32",
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, **kwargs)
        self.shares = tuple(shares)
        self.average = average
        self.activation = activation

    def call(self, logits: Sequence[Tensor]) -> Tensor:
        pairs = [(share, z) for share, z in zip(self.shares, logits, strict=True) if share]
        if self.average == "logits":
            mean = sum(share * z for share, z in pairs)
            return ops.softmax(mean) if self.activation else mean
        if self.activation:
            return sum(share * ops.softmax(z) for share, z in pairs)
        # Relative to the largest: exp(-104) is 0 in float32, and log(0) is infinite.
        logs = [(share, log_softmax(z)) for share, z in pairs]
        _, largest = logs[0]
        for _, log in logs[1:]:
            largest = ops.maximum(largest, log)
        return largest + ops.log(sum(share * ops.exp(log - largest) for share, log in logs))


def log_softmax(z: Tensor) -> Tensor:
    """`ops.log_softmax` in an order of operations that XNNPACK runs in an exported graph.

    LiteRT's converter fuses the usual (z - largest) - log(sum) to LOG_SOFTMAX, which XNNPACK
    does not support: the graph would be split at this operator.
    """
    largest = ops.max(z, axis=-1, keepdims=True)
    return z - (largest + ops.log(ops.sum(ops.exp(z - largest), axis=-1, keepdims=True)))
