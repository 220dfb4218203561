"""Average pooling that leaves padding out."""

import keras
from keras import ops

from cctzoo.typing import Tensor


@keras.saving.register_keras_serializable(package="cctzoo")
class MaskedAverage(keras.layers.Layer):
    """Averages the tokens that are not padding, as a product of weights and tokens.

    Keras' `GlobalAveragePooling1D` is exported as operators that XNNPACK does not have, which
    cuts a LiteRT graph in two; a product is one operator. A text without words gives zeros.

    Call arguments:
        x: (B, T, D).
        mask: (B, T) boolean, False where a token is padding. Default: no padding.

    Returns:
        (B, D).
    """

    def call(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return ops.mean(x, axis=1)
        kept = ops.cast(mask, "float32")[:, None, :]  # (B, 1, T)
        weights = kept / ops.maximum(ops.sum(kept, axis=-1, keepdims=True), 1.0)
        return ops.squeeze(ops.matmul(ops.cast(weights, x.dtype), x), axis=1)

    def compute_mask(self, inputs, mask=None):
        return None
