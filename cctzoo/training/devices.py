"""Several devices: Keras' data parallelism on JAX, tf.distribute on TensorFlow."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def use_devices(count: int, batch_size: int) -> Iterator[None]:
    """Within the block, models are built and trained on several devices of this machine.

    Each device holds all weights and processes an equal part of every batch. On TensorFlow,
    dropout draws the same mask for each part; without dropout, the result is that of one device.

    Args:
        count: number of devices, at least 1.
        batch_size: samples per batch of all devices together; a multiple of twice `count`, so
            that mixup never joins images of different devices.

    Raises:
        ValueError: if the machine has fewer devices, the batch cannot be divided, or the backend
            is PyTorch, for which `fit` of Keras has no data parallelism.
    """
    backend = keras.backend.backend()
    if count < 1:
        raise ValueError(f"`devices` must be at least 1. Received: devices={count}")
    if count == 1:
        yield
        return
    if backend not in ("jax", "tensorflow"):
        raise ValueError(
            "Several devices need the JAX or the TensorFlow backend. "
            f"Received: devices={count}, backend={backend}"
        )
    if batch_size % (2 * count):
        raise ValueError(
            "`batch_size` must be a multiple of twice the number of devices. "
            f"Received: batch_size={batch_size}, devices={count}"
        )
    if backend == "jax":
        found = keras.distribution.list_devices()
        _check_found(count, found)
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=found[:count], auto_shard_dataset=False)
        )
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)
    else:
        import tensorflow as tf

        found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        names = [device.name for device in found]
        _check_found(count, names)
        with tf.distribute.MirroredStrategy(names[:count]).scope():
            yield


def _check_found(count, found):
    if len(found) < count:
        raise ValueError(
            "`devices` must be at most the number of devices of this machine. "
            f"Received: devices={count}, found {len(found)}: {', '.join(map(str, found))}"
        )
