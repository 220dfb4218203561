"""Image to feature map: the convolutional tokenizer."""

from typing import Any

import keras
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.layers.functional import BACKEND, stride_and_padding
from cctzoo.typing import Tensor

if BACKEND == "torch":
    from cctzoo.layers.max_pool_torch import max_pool


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class ConvTokenizer(keras.layers.Layer):
    """Turns an image into a map of tokens by convolution, ReLU and max pooling.

    Each of the `conv_layers` steps is a convolution without bias (stride
    `max(1, kernel_size // 2 - 1)`, padding `max(1, kernel_size // 2)`), a ReLU and a
    3x3 max pooling of stride 2, padding 1. Padding is symmetric, as in PyTorch: with Keras'
    `"same"`, windows of stride 2 would be shifted by one pixel.

    Args:
        filters: channels of the last convolution, at least 1.
        kernel_size: side of the square kernels in pixels, at least 1.
        conv_layers: number of [convolution, ReLU, pooling] steps, at least 1.
        hidden_filters: channels of all convolutions except the last.

    Shapes: (B, height, width, channels) -> (B, H, W, filters).

    Raises:
        ValueError: if `conv_layers` is less than 1.

    Reference: Hassani et al., arXiv 2104.05704, section 3.2.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        conv_layers: int = 1,
        hidden_filters: int = 64,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if conv_layers < 1:
            raise ValueError(
                f"`conv_layers` must be at least 1. Received: conv_layers={conv_layers}"
            )
        stride, padding = stride_and_padding(kernel_size)
        symmetric = stride == 1 and kernel_size == 2 * padding + 1  # "same" pads equally
        widths = [hidden_filters] * (conv_layers - 1) + [filters]
        self.convolutions = [
            keras.layers.Conv2D(
                width,
                kernel_size,
                strides=stride,
                padding="same" if symmetric else "valid",
                use_bias=False,
                kernel_initializer="he_normal",
                data_format="channels_last",
                dtype=self.dtype_policy,
                name=f"conv{i}",
            )
            for i, width in enumerate(widths)
        ]
        options = {"data_format": "channels_last", "dtype": self.dtype_policy}
        self.pad = keras.layers.ZeroPadding2D(0 if symmetric else padding, **options)
        # Zero padding before a max pooling is exact here: its input is a ReLU's output.
        self.pool_pad = keras.layers.ZeroPadding2D(1, **options)
        self.pool = keras.layers.MaxPooling2D(3, strides=2, **options)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = input_shape
        for convolution in self.convolutions:
            convolution.build(shape)
            shape = (*shape[:3], convolution.filters)
        for layer in (self.pool_pad, self.pool):  # the PyTorch branch does not call them
            layer.build(shape)

    def call(self, x: Tensor) -> Tensor:
        for convolution in self.convolutions:
            x = convolution(self.pad(x))
            if BACKEND == "torch":
                # ReLU after the pooling: the same values from a quarter of the pixels.
                x = ops.relu(max_pool(x, size=3, stride=2, padding=1))
            else:
                x = self.pool(self.pool_pad(ops.relu(x)))
        return x
