"""Several devices: Keras' data parallelism on JAX, tf.distribute on TensorFlow."""

import contextlib

import keras


@contextlib.contextmanager
def use_devices(count, batch_size):
    """Within the block, models are built and trained on `count` devices of this machine.

    Each takes an equal part of a batch and holds all weights. On TensorFlow dropout draws
    the same mask in each part; without dropout the result is that of one device.

    Args:
        count: of devices, at least 1.
        batch_size: of all devices together, a multiple of twice `count`, so that no pair
            that mixup joins is split.

    Raises:
        ValueError: if there are fewer devices, the batch cannot be shared out, or the
            backend is PyTorch, for which Keras has no data parallelism in `fit`.
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
            "`devices` must not be more than there are. "
            f"Received: devices={count}, found {len(found)}: {', '.join(map(str, found))}"
        )
