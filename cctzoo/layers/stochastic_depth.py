"""Stochastic depth: drops a residual branch for whole samples."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="cctzoo")
class StochasticDepth(keras.layers.Layer):
    """Zeroes its input for a random part of the samples in training, and rescales the rest.

    Args:
        rate: probability that a sample is dropped, in [0, 1]; the others are divided by
            `1 - rate`, so that the expectation stays.
        seed: integer seed of the layer's own random state.

    Shapes: (B, ...) -> the same.

    Reference: Huang et al., arXiv 1603.09382.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"`rate` must be in [0, 1]. Received: rate={rate}")
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator(seed) if rate > 0 else None
        self.supports_masking = True

    def call(self, x, training=False):
        if not training or self.rate == 0:
            return x
        one_per_sample = (ops.shape(x)[0],) + (1,) * (x.ndim - 1)
        return keras.random.dropout(x, self.rate, one_per_sample, seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        return input_shape
