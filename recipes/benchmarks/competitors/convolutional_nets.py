"""Convolutional networks for images of 32 x 32 pixels, as they are published for CIFAR."""

from collections.abc import Sequence

import keras
from keras import layers

from cctzoo.layers.batch_norm import batch_norm

# Of MobileNetV2: expansion, channels, blocks and stride of each stage. For 32 pixels, the strides
# of the stem and of the second stage are 1.
STAGES = (
    *((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2)),
    *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
)


def resnet_20(classes: int, mean: Sequence[float], std: Sequence[float]) -> keras.Model:
    """ResNet-20 for CIFAR, 0.27 M parameters, with 1 x 1 convolutions as shortcuts.

    Args:
        classes: number of classes; the model returns logits.
        mean, std: pixel statistics per channel, for pixels in [0, 1].

    Reference: He et al., arXiv 1512.03385, section 4.2.
    """
    inputs, x = _normalised(mean, std)
    x = layers.ReLU()(_convolution(x, 16, 3))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            stride = 2 if stage and not block else 1
            y = layers.ReLU()(_convolution(x, filters, 3, stride))
            y = _convolution(y, filters, 3)
            x = layers.ReLU()(y + (_convolution(x, filters, 1, stride) if stride > 1 else x))
    return _classified(inputs, x, classes, "resnet_20")


def mobilenet_v2(
    classes: int, mean: Sequence[float], std: Sequence[float], width: float = 1.0
) -> keras.Model:
    """MobileNetV2 with the strides that are used for 32 x 32 pixels.

    Args:
        classes, mean, std: as in `resnet_20`.
        width: factor of all channels.

    Reference: Sandler et al., arXiv 1801.04381, table 2.
    """

    def channels(count):
        return max(8, int(count * width + 4) // 8 * 8)

    inputs, x = _normalised(mean, std)
    x = layers.ReLU(6.0)(_convolution(x, channels(32), 3))
    for expansion, count, blocks, first_stride in STAGES:
        for block in range(blocks):
            stride, before = first_stride if block == 0 else 1, x.shape[-1]
            y = x
            if expansion > 1:
                y = layers.ReLU(6.0)(_convolution(y, expansion * before, 1))
            y = layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(y)
            y = layers.ReLU(6.0)(_normalisation(y))
            y = _convolution(y, channels(count), 1)
            x = x + y if stride == 1 and before == y.shape[-1] else y
    x = layers.ReLU(6.0)(_convolution(x, max(1280, channels(1280)), 1))
    return _classified(inputs, x, classes, f"mobilenet_v2_{width:g}")


def mobilenet_v2_half(classes: int, mean: Sequence[float], std: Sequence[float]) -> keras.Model:
    """`mobilenet_v2` with half of the channels."""
    return mobilenet_v2(classes, mean, std, 0.5)


NETS = {
    "resnet_20": resnet_20,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v2_half": mobilenet_v2_half,
}


def _normalised(mean, std):
    inputs = keras.Input((32, 32, 3))
    pixels = layers.Rescaling(1 / 255)(inputs)
    return inputs, layers.Normalization(mean=mean, variance=[s**2 for s in std])(pixels)


def _classified(inputs, x, classes, name):
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, dtype="float32")(x), name=name)


def _convolution(x, filters, kernel, stride=1):
    x = layers.Conv2D(
        filters, kernel, stride, "same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    return _normalisation(x)


def _normalisation(x):
    return batch_norm(name=None, dtype=keras.config.dtype_policy())(x)
