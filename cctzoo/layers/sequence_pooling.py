"""Sequence pooling: a learned weighted mean over the tokens."""

from typing import Any

import keras
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.layers.functional import MASKED
from cctzoo.typing import Tensor


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class SequencePooling(keras.layers.Layer):
    """Averages the tokens, weighted by the softmax of one linear unit's output.

    z = sum_t softmax_t(w . x_t + b) x_t, softmax in float32.

    Call arguments:
        x: (B, T, D).
        mask: (B, T) boolean, False where a token is padding.
        return_weights: also return the weights.

    Returns:
        (B, D); with `return_weights`, a pair of this and the weights (B, T), which sum to 1.

    Reference: Hassani et al., arXiv 2104.05704, section 3.1 ("SeqPool").
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.score = keras.layers.Dense(
            1,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name="score",
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.score.build(input_shape)

    def call(
        self, x: Tensor, mask: Tensor | None = None, return_weights: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        scores = ops.cast(ops.transpose(self.score(x), (0, 2, 1)), "float32")  # (B, 1, T)
        if mask is not None:
            scores = scores + ops.where(mask[:, None, :], 0.0, MASKED)
        weights = ops.softmax(scores, axis=-1)
        pooled = ops.squeeze(ops.matmul(ops.cast(weights, x.dtype), x), axis=1)  # (B, D)
        return (pooled, ops.squeeze(weights, axis=1)) if return_weights else pooled

    def compute_mask(self, inputs, mask=None):
        return None
