"""Word vectors to tokens: a convolution over neighbouring words."""

from typing import Any

import keras
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.layers.functional import conv_output_size, row_mask, stride_and_padding
from cctzoo.typing import Tensor


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class TextTokenizer(keras.layers.Layer):
    """Turns word vectors into tokens by one convolution over neighbouring words.

    With `pooling=True`: a convolution without bias (stride `max(1, kernel_size // 2 - 1)`,
    padding `max(1, kernel_size // 2)`), ReLU, and max pooling of size 2 with stride 2 and
    padding 1. With `pooling=False`: a convolution without bias on patches of `kernel_size`
    words; the last patch is filled up with zeros.

    With `length`, padding does not change the tokens: they are equal to the tokens of a batch
    that holds only this text, without padding. The vectors of padding must be zeros.

    Args:
        filters: width of the tokens.
        kernel_size: number of words that a kernel or a patch spans.
        pooling: True for overlapping windows that are pooled (CCT), False for patches (CVT,
            ViT-Lite).

    Call arguments:
        x: word vectors (B, L, word_dim).
        length: number of words of each text, (B, 1) integers.

    Returns:
        (B, T, filters); with `length`, a pair of this and the number of tokens of each text,
        (B, 1).

    Reference: Hassani et al., arXiv 2104.05704, and the authors' code.
    """

    def __init__(
        self, filters: int, kernel_size: int = 2, pooling: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.pooling = pooling
        self.stride, self.padding = stride_and_padding(kernel_size) if pooling else (kernel_size, 0)
        self.convolution = keras.layers.Conv2D(  # not Conv1D: LiteRT has kernels for two dimensions
            filters,
            (kernel_size, 1),
            strides=(self.stride, 1),
            use_bias=False,
            kernel_initializer="he_normal",
            data_format="channels_last",
            dtype=self.dtype_policy,
            name="convolution",
        )
        options = {"data_format": "channels_last", "dtype": self.dtype_policy}
        self.pad = keras.layers.ZeroPadding2D((self.padding, 0), **options)
        self.pool_pad = keras.layers.ZeroPadding2D((1, 0), **options)  # exact: after a ReLU
        self.pool = keras.layers.MaxPooling2D((2, 1), strides=(2, 1), **options)

    def build(
        self, x_shape: tuple[int | None, ...], length_shape: tuple[int | None, ...] | None = None
    ) -> None:
        self.convolution.build((None, None, 1, x_shape[-1]))

    def call(self, x: Tensor, length: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        x = ops.expand_dims(x, 2)  # (B, L, 1, word_dim)
        if not self.pooling:
            short = -x.shape[1] % self.kernel_size
            x = self.convolution(ops.pad(x, ((0, 0), (0, short), (0, 0), (0, 0))))
            length = None if length is None else (length + self.kernel_size - 1) // self.kernel_size
        else:
            x = ops.relu(self.convolution(self.pad(x)))
            if length is not None:
                length = conv_output_size(length, self.kernel_size, self.stride, self.padding)
                if self.kernel_size > self.padding + 1:  # later windows would still see words
                    x = x * row_mask(length, x)
                length = conv_output_size(length, 2, 2, 1)
            x = self.pool(self.pool_pad(x))
        x = ops.squeeze(x, axis=2)  # (B, T, filters)
        return x if length is None else (x, length)


def text_tokens(words: int, kernel_size: int, pooling: bool) -> int:
    """Number of tokens that `TextTokenizer` makes from a text of `words` words."""
    if not pooling:
        return -(-words // kernel_size)
    stride, padding = stride_and_padding(kernel_size)
    return conv_output_size(conv_output_size(words, kernel_size, stride, padding), 2, 2, 1)
