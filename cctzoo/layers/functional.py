"""Functions and constants that several layers share."""

import math

import keras
from keras import ops

from cctzoo.messages import received
from cctzoo.plain_values import is_one_of
from cctzoo.typing import Tensor

BACKEND = keras.backend.backend()
MASKED = -1e9  # added to a masked score: finite, so that a row with no key gives its mean


def gelu(x: Tensor) -> Tensor:
    """Exact GELU. Written with erf: LiteRT fuses it, and TensorFlow's converter has no Erfc."""
    if BACKEND == "torch":  # one operator of PyTorch and of ONNX
        return keras.activations.gelu(x, approximate=False)
    return 0.5 * x * (1 + ops.erf(x / math.sqrt(2)))


def quick_gelu(x: Tensor) -> Tensor:
    """x * sigmoid(1.702 x), an approximation of GELU (arXiv 1606.08415) without erf."""
    return x * ops.sigmoid(1.702 * x)


ACTIVATIONS = {"gelu": gelu, "quick_gelu": quick_gelu, "relu": ops.relu}


def check_activation(activation: str) -> None:
    """Raises ValueError unless `activation` is one of `ACTIVATIONS`."""
    if not is_one_of(activation, tuple(ACTIVATIONS)):
        raise ValueError(
            f"`activation` must be one of {tuple(ACTIVATIONS)}. {received(activation=activation)}"
        )


def length_mask(length: Tensor, tokens: int) -> Tensor:
    """(B, 1) integers -> (B, tokens) boolean: True for the first `length` tokens of each row."""
    return ops.arange(tokens, dtype="int32") < ops.cast(length, "int32")


def row_mask(length: Tensor, x: Tensor) -> Tensor:
    """1 for the first `length` rows of x (B, H, W, C), 0 below: (B, H, 1, 1), dtype of x."""
    return ops.cast(length_mask(length, x.shape[1])[:, :, None, None], x.dtype)


def stride_and_padding(kernel_size: int) -> tuple[int, int]:
    """Stride and padding of the authors' convolution with kernels of side `kernel_size`."""
    return max(1, kernel_size // 2 - 1), max(1, kernel_size // 2)


def conv_output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    """Output size of a convolution or pooling along one axis.

    Args:
        size: input size along the axis; an integer tensor gives a tensor.
        kernel: side of the kernel.
        stride: step between neighbouring windows.
        padding: zeros added at each end of the axis.
    """
    return (size + 2 * padding - kernel) // stride + 1
