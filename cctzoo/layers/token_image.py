"""Convolutions over the tokens of a text, seen as a grey image."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.layers.batch_norm import batch_norm
from cctzoo.layers.functional import ACTIVATIONS, check_activation, row_mask
from cctzoo.typing import Tensor


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class TokenImagePrefix(keras.layers.Layer):
    """Convolution blocks on the map tokens x width as an image with one channel.

    Each block is a 3x3 convolution, batch norm and the activation. A 1x1 convolution reduces the
    channels of the last block to one. There is no residual connection. The scheme is from the
    language models of the paper's authors; the number of channels is our choice.

    Args:
        filters: channels of each block, one number per block.
        activation: `"gelu"`, `"quick_gelu"`, x * sigmoid(1.702 x), or `"relu"`.

    Call arguments:
        x: (B, T, D).
        length: number of tokens that are not padding, (B, 1) integers; padding counts as
            zeros.
        training: whether batch norm uses the statistics of the batch.

    Returns:
        (B, T, D); with `length`, a pair of this and the unchanged length.

    Raises:
        ValueError: for an unknown `activation`.

    Reference: Gross et al., arXiv 2506.23832 (states that the approach extends to language).
    """

    def __init__(self, filters: Sequence[int], activation: str = "gelu", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_activation(activation)
        self.activation = activation
        self.filters = tuple(filters)
        options = {"data_format": "channels_last", "dtype": self.dtype_policy}
        self.convolutions = [
            keras.layers.Conv2D(
                width,
                3,
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
                name=f"conv{i}",
                **options,
            )
            for i, width in enumerate(self.filters)
        ]
        self.norms = [batch_norm(f"norm{i}", self.dtype_policy) for i in range(len(self.filters))]
        self.merge = keras.layers.Conv2D(1, 1, name="merge", **options)

    def build(
        self, x_shape: tuple[int | None, ...], length_shape: tuple[int | None, ...] | None = None
    ) -> None:
        channels = 1
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            convolution.build((None, *x_shape[1:], channels))
            channels = convolution.filters
            norm.build((None, *x_shape[1:], channels))
        self.merge.build((None, *x_shape[1:], channels))

    def call(
        self, x: Tensor, length: Tensor | None = None, training: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        x = ops.expand_dims(x, -1)  # (B, T, D, 1)
        mask = None if length is None else row_mask(length, x)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            if mask is not None:
                x = x * mask
            x = ACTIVATIONS[self.activation](norm(convolution(x), training=training))
        x = ops.squeeze(self.merge(x), axis=-1)
        return x if length is None else (x, length)
