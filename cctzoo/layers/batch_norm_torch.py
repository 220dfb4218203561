"""Batch normalisation under PyTorch, with the statistics of all processes' samples."""

import keras
import torch
from keras import ops

from cctzoo.typing import Tensor


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation of the last axis by the samples of all processes that train together.

    It has the name of Keras' layer because Keras names the weights in a file after the class: a
    single process can then read the file, and these processes the file of a single one.
    """

    def call(self, inputs: Tensor, training: bool | None = None, mask: None = None) -> Tensor:
        if not training or not self.trainable or inputs.device.type == "meta":
            return super().call(inputs, training=training, mask=mask)
        x = ops.cast(inputs, "float32")
        axes = tuple(range(x.ndim - 1))
        own = ops.stack([ops.mean(x, axes), ops.mean(ops.square(x), axes)])
        mean, square = _Sum.apply(own) / torch.distributed.get_world_size()
        variance = square - ops.square(mean)
        for moving, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + found.detach() * (1 - self.momentum))
        y = ops.batch_normalization(x, mean, variance, -1, self.beta, self.gamma, self.epsilon)
        return ops.cast(y, self.compute_dtype)


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
