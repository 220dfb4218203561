"""Convolution blocks that stand in for the first transformer blocks."""

import keras
from keras import ops

from cctzoo.layers.functional import length_mask

KINDS = ("vgg", "depthwise")
EXPANSION = 4  # width inside an inverted bottleneck, in widths of its input
ABSENT = -1e4  # what pooling sees in place of padding; float16 ends at 6.5e4


@keras.saving.register_keras_serializable(package="cctzoo")
class ConvPrefix(keras.layers.Layer):
    """Convolution blocks on the feature map between tokenizer and encoder.

    A `"vgg"` block is a 3x3 convolution, batch norm and ReLU; a `"depthwise"` block an
    inverted bottleneck: 1x1 to four times the width, 3x3 depthwise, 1x1 back, each with
    batch norm. A block that keeps width and size has a residual connection. That initial
    transformer blocks can give way to convolutions is the paper's; the design is ours.

    Args:
        filters: channels after each block, one number per block.
        kind: `"vgg"` or `"depthwise"`.
        pool: indices of the blocks before which height and width are halved (2x2 max
            pooling; a side of 1 stays).
        kernel_size: (height, width) of the convolutions that are not 1x1.
        pool_padding: `"valid"`, which drops the last row or column of an odd side when it is
            halved, or `"same"`, which keeps it.

    Shapes: (B, H, W, C) -> (B, H', W', filters[-1]). For texts, whose tokens are the rows:
    with `length`, (B, 1) integers, and `pool_padding="same"`, rows behind the length count as
    zeros, and the new length is returned beside the map.

    Reference: Gross et al., arXiv 2506.23832 (the idea); Sandler et al.,
    arXiv 1801.04381 (the inverted bottleneck).
    """

    def __init__(
        self,
        filters,
        kind="vgg",
        pool=(),
        kernel_size=(3, 3),
        pool_padding="valid",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(f"`kind` must be one of {KINDS}. Received: kind={kind!r}")
        if not set(pool) <= set(range(len(filters))):
            raise ValueError(
                "`pool` must hold indices of blocks, from 0 to one below the number of "
                f"`filters`. Received: pool={pool}, filters={filters}"
            )
        self.filters = tuple(filters)
        self.kind = kind
        self.pool = tuple(pool)
        self.kernel_size = tuple(kernel_size)
        self.pool_padding = pool_padding

    def build(self, x_shape, length_shape=None):
        shape = tuple(x_shape)
        self.pools, self.blocks = {}, []
        for i, filters in enumerate(self.filters):
            if i in self.pool:
                sides = tuple(min(2, side) for side in shape[1:3])
                pooling = keras.layers.MaxPooling2D(
                    sides,
                    padding=self.pool_padding,
                    data_format="channels_last",
                    dtype=self.dtype_policy,
                )
                shape = pooling.compute_output_shape(shape)
                self.pools[str(i)] = pooling
            block = keras.Sequential(self._block(shape[-1], filters), name=f"conv{i}")
            block.build(shape)
            shape = (*shape[:3], filters)
            self.blocks.append(block)

    def _block(self, channels, filters):
        if self.kind == "vgg":
            return [*self._convolution(filters, self.kernel_size, "conv"), self._relu()]
        return [
            *self._convolution(EXPANSION * channels, 1, "expand"),
            self._relu(),
            *self._depthwise(),
            self._relu(),
            *self._convolution(filters, 1, "project"),
        ]

    # Named, for weights that are kept by name: Keras' own names count what was built before.
    def _convolution(self, filters, kernel_size, name):
        convolution = keras.layers.Conv2D(
            filters, kernel_size, kernel_initializer="he_normal", name=name, **self._options()
        )
        return convolution, self._batch_norm(name)

    def _depthwise(self):
        convolution = keras.layers.DepthwiseConv2D(
            self.kernel_size, depthwise_initializer="he_normal", name="depthwise", **self._options()
        )
        return convolution, self._batch_norm("depthwise")

    def _options(self):
        return {
            "padding": "same",  # stride 1 and odd kernels: symmetric
            "use_bias": False,
            "data_format": "channels_last",
            "dtype": self.dtype_policy,
        }

    def _batch_norm(self, name):
        return keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, dtype=self.dtype_policy, name=f"{name}_norm"
        )

    def _relu(self):
        return keras.layers.ReLU(dtype=self.dtype_policy)

    def call(self, x, length=None, training=False):
        for i, block in enumerate(self.blocks):
            if i in self.pool:
                if length is not None:
                    x = x + ABSENT * (1 - _rows(length, x))
                    length = length if x.shape[1] == 1 else (length + 1) // 2
                x = self.pools[str(i)](x)
            y = (
                block(x, training=training)
                if length is None
                else _block(block, x, length, training)
            )
            x = x + y if x.shape == y.shape else y
        return x if length is None else (x, length)


def _block(block, x, length, training):
    """A block whose kernels see zeros behind the length, as they do behind the last row."""
    rows = _rows(length, x)
    for layer in block.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            x = layer(x, training=training)
        elif isinstance(layer, keras.layers.ReLU):
            x = layer(x)
        else:
            x = layer(x * rows)
    return x


def _rows(length, x):
    """1 for the rows of (B, H, W, C) that count and 0 behind them: (B, H, 1, 1)."""
    return ops.cast(length_mask(length, x.shape[1])[:, :, None, None], x.dtype)
