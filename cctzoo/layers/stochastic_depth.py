"""Stochastic depth: drops a residual branch for whole samples."""

from typing import Any

import keras
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.typing import Tensor


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class StochasticDepth(keras.layers.Layer):
    """Zeroes the input of randomly chosen samples in training, and rescales the others.

    Args:
        rate: probability that a sample is dropped, in [0, 1]. The other samples are divided
            by `1 - rate`, so that the expected value does not change.
        seed: integer seed of the layer's random state. Default: random.

    Shapes: (B, ...) -> (B, ...).

    Raises:
        ValueError: if `rate` is not in [0, 1].

    Reference: Huang et al., arXiv 1603.09382.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"`rate` must be in [0, 1]. Received: rate={rate}")
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator(seed) if rate > 0 else None
        self.supports_masking = True

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return x
        one_per_sample = (ops.shape(x)[0],) + (1,) * (x.ndim - 1)
        return keras.random.dropout(x, self.rate, one_per_sample, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape
