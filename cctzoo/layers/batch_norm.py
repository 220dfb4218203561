"""Batch normalisation with the statistics of the whole batch, also on several devices."""

from typing import Any

import keras

from cctzoo.layers.functional import BACKEND


def batch_norm(name: str | None, dtype: Any) -> keras.layers.BatchNormalization:
    """Returns a layer for batch normalisation, with the momentum and epsilon of PyTorch.

    In a model that is built while each batch is divided among devices (see `training.train`), it
    has the mean and variance of the whole batch, as on a single device.

    Args:
        name: name of the layer. None: one that Keras chooses.
        dtype: its dtype policy.
    """
    options = {"momentum": 0.9, "epsilon": 1e-5, "name": name, "dtype": dtype}
    if BACKEND == "tensorflow":
        import tensorflow as tf

        options["synchronized"] = tf.distribute.has_strategy()
    elif BACKEND == "torch":
        from cctzoo.layers import batch_norm_torch

        return batch_norm_torch.BatchNormalization(**options)
    return keras.layers.BatchNormalization(**options)
