"""Batch normalisation under PyTorch: its own kernel, and the statistics of all processes."""

import keras
import torch
from keras import ops

from cctzoo.typing import Tensor


class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalisation of the last axis, computed by PyTorch's own kernel.

    Keras writes it as a chain of element-wise operations, in float32, and each of them stores
    its result for the gradient: ten times the time of the kernel, on a CPU in both precisions.
    Where several processes train together, the mean and variance are those of all their samples.

    It has the name of Keras' layer because Keras names the weights in a file after the class: one
    backend can then read the files of another.
    """

    def call(self, inputs: Tensor, training: bool | None = None, mask: None = None) -> Tensor:
        if not training or not self.trainable or inputs.device.type == "meta":
            return super().call(inputs, training=training, mask=mask)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            y, mean, variance = self._normalise_all(inputs)
        else:
            y, mean, variance = self._normalise(inputs)
        for moving, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + found.detach() * (1 - self.momentum))
        return ops.cast(y, self.compute_dtype)

    def _normalise(self, x):
        rows = x.reshape(-1, x.shape[-1])
        gamma, beta = ops.convert_to_tensor(self.gamma), ops.convert_to_tensor(self.beta)
        # The kernel's own moving average would have the variance of n - 1 samples.
        y, mean, inverse = torch.native_batch_norm(
            rows, gamma, beta, None, None, True, 0.0, self.epsilon
        )
        variance = (inverse**-2 - self.epsilon).clamp(min=0)
        return y.reshape(x.shape), mean, variance

    def _normalise_all(self, inputs):
        x = ops.cast(inputs, "float32")
        axes = tuple(range(x.ndim - 1))
        own = ops.stack([ops.mean(x, axes), ops.mean(ops.square(x), axes)])
        mean, square = _Sum.apply(own) / torch.distributed.get_world_size()
        variance = square - ops.square(mean)
        y = ops.batch_normalization(x, mean, variance, -1, self.beta, self.gamma, self.epsilon)
        return y, mean, variance


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is summed over them too."""

    @staticmethod
    def forward(ctx, x):
        x = x.clone()
        torch.distributed.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx, gradient):
        gradient = gradient.clone()
        torch.distributed.all_reduce(gradient)
        return gradient
