"""Convolution blocks that replace the first transformer blocks."""

from collections.abc import Sequence
from typing import Any

import keras

from cctzoo.arguments import checked_layer
from cctzoo.layers.batch_norm import batch_norm
from cctzoo.layers.functional import BACKEND, row_mask
from cctzoo.messages import shown
from cctzoo.typing import Tensor

if BACKEND == "torch":
    from cctzoo.layers.max_pool_torch import max_pool

KINDS = ("vgg", "depthwise")
EXPANSION = 4  # inner width of an inverted bottleneck / width of its input
ABSENT = -1e4  # replaces padding before max pooling; the largest float16 is 6.5e4


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class ConvPrefix(keras.layers.Layer):
    """Convolution blocks on the feature map between tokenizer and encoder.

    A `"vgg"` block is a 3x3 convolution, batch norm and ReLU. A `"depthwise"` block is an
    inverted bottleneck: a 1x1 convolution to four times the width, a 3x3 depthwise convolution
    and a 1x1 convolution back, each with batch norm. A block whose output has the shape of its
    input has a residual connection. Replacing the first transformer blocks by convolutions is
    the idea of the paper; the design of the blocks is our choice.

    Args:
        filters: channels after each block, one number per block.
        kind: `"vgg"` or `"depthwise"`.
        pool: indices of the blocks whose input is halved in height and width by 2x2 max
            pooling; a side of 1 stays.
        kernel_size: (height, width) of the convolutions that are not 1x1.
        pool_padding: pooling of an odd side: `"valid"` drops the last row or column, `"same"`
            keeps it.

    Call arguments:
        x: (B, H, W, C).
        length: for text models, whose tokens are the rows: number of rows that are not
            padding, (B, 1) integers; requires `pool_padding="same"`. Padding counts as zeros.
        training: whether batch norm uses the statistics of the batch.

    Returns:
        (B, H', W', filters[-1]); with `length`, a pair of this and the new length (B, 1).

    Raises:
        ValueError: for an unknown `kind`, or a `pool` that is no index of a block.

    Reference: Gross et al., arXiv 2506.23832 (the idea); Sandler et al.,
    arXiv 1801.04381 (the inverted bottleneck).
    """

    def __init__(
        self,
        filters: Sequence[int],
        kind: str = "vgg",
        pool: Sequence[int] = (),
        kernel_size: Sequence[int] = (3, 3),
        pool_padding: str = "valid",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(f"`kind` must be one of {KINDS}. Received: kind={shown(kind)}")
        if not set(pool) <= set(range(len(filters))):
            raise ValueError(
                "`pool` must hold indices of blocks, from 0 to len(filters) - 1. "
                f" Received: pool={pool}, filters={filters}"
            )
        self.filters = tuple(filters)
        self.kind = kind
        self.pool = tuple(pool)
        self.kernel_size = tuple(kernel_size)
        self.pool_padding = pool_padding

    def build(
        self, x_shape: tuple[int | None, ...], length_shape: tuple[int | None, ...] | None = None
    ) -> None:
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

    # Explicit names, as weights are stored by name: Keras numbers its own names per process.
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
        return batch_norm(f"{name}_norm", self.dtype_policy)

    def _relu(self):
        return keras.layers.ReLU(dtype=self.dtype_policy)

    def call(
        self, x: Tensor, length: Tensor | None = None, training: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        for i, block in enumerate(self.blocks):
            if i in self.pool:
                if length is not None:
                    x = x + ABSENT * (1 - row_mask(length, x))
                    length = length if x.shape[1] == 1 else (length + 1) // 2
                x = self._halved(x, self.pools[str(i)])
            if length is None:
                y = block(x, training=training)
            else:
                y = _call_masked(block, x, length, training)
            x = x + y if x.shape == y.shape else y
        return x if length is None else (x, length)

    def _halved(self, x, pool):
        if BACKEND != "torch":
            return pool(x)
        return max_pool(x, pool.pool_size, keep_rest=self.pool_padding == "same")


def _call_masked(block, x, length, training):
    """Calls a block so that its kernels see zeros in place of padding."""
    rows = row_mask(length, x)
    for layer in block.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            x = layer(x, training=training)
        elif isinstance(layer, keras.layers.ReLU):
            x = layer(x)
        else:
            x = layer(x * rows)
    return x
