"""Muon, the optimizer that orthogonalises the update of each matrix, also for convolutions."""

from typing import Any

import keras
import numpy as np
from keras import ops

from cctzoo.typing import Tensor

# Matrices that are not hidden layers. Keras leaves embeddings to AdamW, too.
BY_ADAMW = ["classifier/", "pooling/"]


class Muon(keras.optimizers.Muon):
    """Keras' Muon, for dense kernels, and for convolution kernels as matrices.

    A convolution kernel (h, w, channels, filters) counts as a matrix (h * w * channels, filters).
    All other weights, and those of `BY_ADAMW`, are trained by AdamW with the same learning rate.

    Args:
        learning_rate: learning rate or schedule of both.
        weight_decay: decoupled weight decay of both.
        precision: dtype of the Newton-Schulz iteration, e.g. `"bfloat16"`, as in the authors'
            code. Default: that of the weights.
        **options: other arguments of `keras.optimizers.Muon`.

    References: Jordan et al., https://kellerjordan.github.io/posts/muon (2024); Liu et al., arXiv
    2502.16982 (the size of the update, which has the learning rates of AdamW).
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float = 0.0,
        precision: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            adam_weight_decay=weight_decay,
            exclude_layers=BY_ADAMW,
            **options,
        )
        self.precision = precision

    def _should_use_adamw(self, variable):
        if len(variable.shape) == 4:
            return variable.shape[-1] == 1  # a depthwise kernel: vectors, one for each channel
        return super()._should_use_adamw(variable)

    def zeropower_via_newtonschulz5(self, x: Tensor, steps: int) -> Tensor:
        """The orthogonal matrix next to `x`, by `steps` iterations."""
        matrix = ops.reshape(x, (-1, x.shape[-1]))
        matrix = ops.cast(matrix, self.precision or x.dtype)
        update = super().zeropower_via_newtonschulz5(matrix, steps)
        return ops.reshape(ops.cast(update, x.dtype), x.shape)

    def lr_adjust(self, x: Tensor) -> Tensor:
        """Scales an orthogonal update to the root mean square of one of AdamW."""
        rows, columns = np.prod(x.shape[:-1]), x.shape[-1]
        return x * (self.rms_rate * float(max(rows, columns)) ** 0.5)
