"""Convolutions over the tokens of a text as if they were a grey image."""

import keras
from keras import ops

from cctzoo.layers.functional import gelu, length_mask


@keras.saving.register_keras_serializable(package="cctzoo")
class TokenImagePrefix(keras.layers.Layer):
    """Convolution blocks on tokens x width as an image of one channel.

    Each block is a 3x3 convolution, batch norm and GELU; a 1x1 convolution brings the last
    one's channels back to one. No residual connection. The scheme is that of the language
    models of the paper's group; how many channels, is our choice.

    Args:
        filters: channels of each block, one number per block.

    Shapes: (B, T, D) -> (B, T, D). With `length`, (B, 1) integers, tokens behind it count
    as zeros, and it is returned too.

    Reference: Gross et al., arXiv 2506.23832 (that its approach extends to language).
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
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
        self.norms = [
            keras.layers.BatchNormalization(
                momentum=0.9, epsilon=1e-5, dtype=self.dtype_policy, name=f"norm{i}"
            )
            for i in range(len(self.filters))
        ]
        self.merge = keras.layers.Conv2D(1, 1, name="merge", **options)

    def build(self, x_shape, length_shape=None):
        channels = 1
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            convolution.build((None, *x_shape[1:], channels))
            channels = convolution.filters
            norm.build((None, *x_shape[1:], channels))
        self.merge.build((None, *x_shape[1:], channels))

    def call(self, x, length=None, training=False):
        x = ops.expand_dims(x, -1)  # (B, T, D, 1)
        if length is not None:
            mask = ops.cast(length_mask(length, x.shape[1])[:, :, None, None], x.dtype)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            if length is not None:
                x = x * mask
            x = gelu(norm(convolution(x), training=training))
        x = ops.squeeze(self.merge(x), axis=-1)
        return x if length is None else (x, length)
