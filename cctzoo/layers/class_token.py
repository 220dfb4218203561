"""The class token of ViT-Lite: prepended to the sequence, and extracted again."""

import keras
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.typing import Tensor


@keras.saving.register_keras_serializable(package="cctzoo")
class ClassToken(keras.layers.Layer):
    """Prepends one learned token, initially zero, to the sequence.

    Shapes: (B, T, D) -> (B, 1 + T, D).

    Reference: Dosovitskiy et al., arXiv 2010.11929.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.token = self.add_weight(
            shape=(1, 1, input_shape[-1]), initializer="zeros", name="token"
        )

    def call(self, x: Tensor) -> Tensor:
        token = ops.broadcast_to(
            ops.cast(self.token, x.dtype), (ops.shape(x)[0], 1, x.shape[-1])
        )  # (B, 1, D)
        return ops.concatenate([token, x], axis=1)


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class FirstToken(keras.layers.Layer):
    """Extracts the class token: (B, T, D) -> (B, D). The mask is ignored."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x: Tensor) -> Tensor:
        # Not x[:, 0]: LiteRT's delegate takes no slice that drops an axis.
        return ops.squeeze(x[:, :1], axis=1)

    def compute_mask(self, inputs, mask=None):
        return None
