"""A PyTorch model that trains together with its replicas in other processes."""

import keras
import torch
from torch.overrides import TorchFunctionMode

from cctzoo.training.processes import Processes
from cctzoo.typing import Tensor


class Replica:
    """Calls a model so that the gradients are the means over all processes.

    `torch.nn.parallel.DistributedDataParallel` averages the gradients. Random numbers, one or
    more for each sample, are drawn for the samples of all processes, so that dropout and
    stochastic depth are those of a single process. (Softmax attention with `attention_dropout`
    draws its own numbers in each process.)

    Args:
        model: the model, built; all processes get the weights of process 0.
        processes: the processes, more than one.
    """

    def __init__(self, model: keras.Model, processes: Processes):
        device = model.trainable_variables[0].value.device
        places = [device.index] if device.type == "cuda" else None
        self.parallel = torch.nn.parallel.DistributedDataParallel(model, device_ids=places)
        self.processes = processes

    def __call__(self, batch: Tensor) -> Tensor:
        """Returns the output in training for this process' part of a batch."""
        if batch.device.type == "meta":  # of Keras' symbolic build
            return self.parallel.module(batch, training=True)
        with _DrawForAll(batch.shape[0], self.processes):
            return self.parallel(batch, training=True)


class _DrawForAll(TorchFunctionMode):
    """Draws the masks of dropout for the samples of all processes, and returns the own part."""

    def __init__(self, samples, processes):
        super().__init__()
        self.samples, self.processes = samples, processes

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.bernoulli and args[0].shape[:1] == (self.samples,):
            return self.own_part(func(self.for_all(args[0]), *args[1:], **kwargs))
        if func is torch.nn.functional.dropout and args[0].shape[:1] == (self.samples,):
            ones = self.for_all(torch.ones_like(args[0]))
            return args[0] * self.own_part(func(ones, *args[1:], **kwargs))
        return func(*args, **kwargs)

    def for_all(self, x):
        return x.repeat(self.processes.count, *[1] * (x.ndim - 1))

    def own_part(self, x):
        start = self.processes.rank * self.samples
        return x[start : start + self.samples]
