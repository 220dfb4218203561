"""A depthwise convolution over neighbouring tokens."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.layers.batch_norm import batch_norm
from cctzoo.messages import received
from cctzoo.typing import Tensor

SIDE = 3


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class TokenConvolution(keras.layers.Layer):
    """Adds to each token a sum over its neighbours: y = x + batch_norm(depthwise(x)).

    The depthwise convolution spans 3x3 tokens of an image, or 3 tokens of a text. In inference,
    batch norm and the addition are parts of its kernel and its bias, so that an exported graph has
    a single operator.

    Args:
        grid: (height, width) of the map of tokens, or (T,) for texts.

    Call arguments:
        x: (B, T, C).
        mask: (B, T) boolean, False for padding, which counts as zeros.
        training: whether batch norm uses the statistics of the batch.

    Returns:
        (B, T, C).

    Raises:
        ValueError: if `grid` is not one or two numbers with T tokens, or the mask is not (B, T).

    Reference: Li et al., "LocalViT", arXiv 2104.05707 (a depthwise convolution in the perceptron);
    Lu et al., "DHVT", arXiv 2210.05958 (with batch norm and a residual connection, after the
    activation).
    """

    def __init__(self, grid: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.grid = tuple(grid)
        self.norm = batch_norm("norm", self.dtype_policy)
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(self.grid) not in (1, 2) or input_shape[1] != np.prod(self.grid):
            raise ValueError(
                "`grid` must be one or two numbers whose product is the number of tokens. "
                f"{received(grid=self.grid, tokens=input_shape[1])}"
            )
        channels = input_shape[-1]
        self.kernel_size = (SIDE, SIDE if len(self.grid) == 2 else 1)
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, channels, 1),
            initializer="he_normal",
            autocast=False,  # it is folded in float32
            name="kernel",
        )
        self.norm.build((None, *self._sides(), channels))

    def call(self, x: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        if mask is not None:
            if len(mask.shape) != 2:
                raise ValueError(
                    "A convolution over tokens needs a mask of shape (B, T). "
                    f"Received: a mask of shape {tuple(mask.shape)}"
                )
            x = x * ops.cast(mask, x.dtype)[..., None]
        tokens = ops.shape(x)
        x = ops.reshape(x, (-1, *self._sides(), x.shape[-1]))
        if training:
            y = x + self.norm(_convolve(x, self.kernel), training=True)
        else:
            kernel, bias = self._folded()
            y = _convolve(x, kernel) + ops.cast(bias, x.dtype)
        return ops.reshape(y, tokens)

    def _folded(self):
        """Kernel and bias of the convolution with batch norm and the addition of its input."""
        norm, weights = self.norm, (self.kernel, self.norm.gamma, self.norm.beta)
        kernel, gamma, beta, mean, variance = (
            ops.cast(x, "float32") for x in (*weights, norm.moving_mean, norm.moving_variance)
        )
        identity = np.zeros((*self.kernel_size, 1, 1), "float32")
        identity[tuple(side // 2 for side in self.kernel_size)] = 1
        scale = gamma * ops.rsqrt(variance + norm.epsilon)
        kernel = kernel * scale[:, None] + ops.convert_to_tensor(identity)
        return kernel, beta - mean * scale

    def _sides(self):
        return (*self.grid, 1)[:2]


def _convolve(x, kernel):
    kernel = ops.cast(kernel, x.dtype)
    return ops.depthwise_conv(x, kernel, padding="same", data_format="channels_last")
