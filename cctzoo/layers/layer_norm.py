"""Layer normalisation that exports to fewer operators, and needs no casts on a CPU."""

import keras
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.layers.functional import BACKEND
from cctzoo.typing import Tensor

if BACKEND == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class LayerNorm(keras.layers.LayerNormalization):
    """Keras' layer norm over the last axis, computed in float32.

    Graphs are exported from TensorFlow, where Keras broadcasts scale and shift to the size of
    the input before it applies them. This layer is exported as nine LiteRT operators instead
    of eleven, and the whole model needs 0.97 (`cct_7_3x1_32`) to 0.92 (`cct_conv`) of the time
    (LiteRT on a CPU, see `docs/benchmarks/export.md`).

    Under PyTorch on a CPU, its kernel takes half precision and computes in float32, so that no
    float32 copy of the input is made.

    Shapes: (B, T, D) -> (B, T, D).
    """

    def call(self, x: Tensor) -> Tensor:
        if BACKEND == "torch" and x.device.type == "cpu" and x.element_size() == 2:
            from torch.nn.functional import layer_norm

            gamma, beta = map(ops.convert_to_tensor, (self.gamma, self.beta))
            return ops.cast(
                layer_norm(x, x.shape[-1:], gamma, beta, self.epsilon), self.compute_dtype
            )
        if BACKEND != "tensorflow":
            return super().call(x)
        x = ops.cast(x, "float32")
        mean = tf.reduce_mean(x, axis=-1, keepdims=True)  # (B, T, 1)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axis=-1, keepdims=True)
        normed = (x - mean) * tf.math.rsqrt(variance + self.epsilon)
        gamma, beta = ops.cast(self.gamma, "float32"), ops.cast(self.beta, "float32")
        return ops.cast(normed * gamma + beta, self.compute_dtype)
