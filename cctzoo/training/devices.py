"""Several devices: Keras' data parallelism on JAX, tf.distribute on TensorFlow.

Under PyTorch, `Replica` joins several processes.
"""

import contextlib
from collections.abc import Iterator

import keras

from cctzoo.messages import received
from cctzoo.training.processes import ALONE, Processes


def check_batch_parts(devices: int, batch_size: int, processes: Processes) -> None:
    """Raises ValueError unless a batch can be divided among the devices of all processes.

    Args:
        devices: number of devices that each process uses, at least 1.
        batch_size: samples per batch of all of them together.
        processes: the processes that train together.
    """
    if devices < 1:
        raise ValueError(f"`devices` must be at least 1. Received: devices={devices}")
    parts = devices * processes.count
    if parts > 1 and batch_size % (2 * parts):
        raise ValueError(
            "`batch_size` must be a multiple of twice the number of devices. "
            f"{received(batch_size=batch_size, devices=devices, processes=processes.count)}"
        )


@contextlib.contextmanager
def use_devices(count: int, batch_size: int, processes: Processes = ALONE) -> Iterator[None]:
    """Within the block, models are built and trained on several devices.

    Each device holds all weights and processes an equal part of every batch. On TensorFlow,
    dropout draws the same mask for each part; without dropout, the result is that of one device.

    Args:
        count: number of devices of this machine, at least 1.
        batch_size: samples per batch of all devices together; a multiple of twice their number,
            so that mixup never joins images of different devices.
        processes: the processes that train together. Each uses its own devices: under PyTorch
            one, under JAX all that it has.

    Raises:
        ValueError: if the machine has fewer devices, the batch cannot be divided, or the backend
            is PyTorch, which needs one process for each device.
    """
    backend = keras.backend.backend()
    check_batch_parts(count, batch_size, processes)
    if count > 1 and backend == "torch":
        raise ValueError(
            "Under PyTorch, each device needs a process of its own: start the program with "
            f"`torchrun --nproc-per-node {count}`, without `devices`. {received(devices=count)}"
        )
    if backend == "jax" and count * processes.count > 1:
        found = keras.distribution.list_devices()
        _check_found(count, found)
        used = found if processes.count > 1 else found[:count]
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=used, auto_shard_dataset=False)
        )
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)
    elif count > 1:
        import tensorflow as tf

        found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        names = [device.name for device in found]
        _check_found(count, names)
        with tf.distribute.MirroredStrategy(names[:count]).scope():
            yield
    else:
        yield


def _check_found(count, found):
    if len(found) < count:
        raise ValueError(
            "`devices` must be at most the number of devices of this machine. "
            f"Received: devices={count}, found {len(found)}: {', '.join(map(str, found))}"
        )
