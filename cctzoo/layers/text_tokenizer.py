"""Word vectors to tokens: the convolution over neighbouring words."""

import keras
from keras import ops

from cctzoo.layers.functional import conv_output_size, length_mask, stride_and_padding


@keras.saving.register_keras_serializable(package="cctzoo")
class TextTokenizer(keras.layers.Layer):
    """Turns word vectors into tokens by one convolution over neighbouring words.

    With `pooling`: convolution without bias (stride `max(1, kernel_size // 2 - 1)`, padding
    `max(1, kernel_size // 2)`), ReLU, max pooling of 2 with stride 2 and padding 1. Without:
    patches of `kernel_size` words by a convolution without bias; a last patch is filled up
    with zeros.

    Given the lengths of the texts, a token is what it would be if its text stood alone,
    without padding behind it. The words' vectors have to be zeros from there on.

    Args:
        filters: width of the tokens.
        kernel_size: words that a kernel or a patch spans.
        pooling: whether the windows overlap and are pooled (CCT), or are patches (CVT,
            ViT-Lite).

    Shapes: (B, L, word_dim) -> (B, T, filters); with `length`, (B, 1) integers, also the
    number of tokens of each text, (B, 1).

    Reference: Hassani et al., arXiv 2104.05704, and the authors' code.
    """

    def __init__(self, filters, kernel_size=2, pooling=True, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.pooling = pooling
        self.stride, self.padding = stride_and_padding(kernel_size) if pooling else (kernel_size, 0)
        self.convolution = keras.layers.Conv2D(  # in two dimensions: what LiteRT is built for
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

    def build(self, x_shape, length_shape=None):
        self.convolution.build((None, None, 1, x_shape[-1]))

    def call(self, x, length=None):
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
                    mask = length_mask(length, x.shape[1])[:, :, None, None]
                    x = x * ops.cast(mask, x.dtype)
                length = conv_output_size(length, 2, 2, 1)
            x = self.pool(self.pool_pad(x))
        x = ops.squeeze(x, axis=2)  # (B, T, filters)
        return x if length is None else (x, length)


def text_tokens(words, kernel_size, pooling):
    """How many tokens `TextTokenizer` makes of so many words."""
    if not pooling:
        return -(-words // kernel_size)
    stride, padding = stride_and_padding(kernel_size)
    return conv_output_size(conv_output_size(words, kernel_size, stride, padding), 2, 2, 1)
