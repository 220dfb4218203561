"""Several devices: Keras' data parallelism on JAX, tf.distribute on TensorFlow.

Under PyTorch, `Replica` joins several processes.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from cctzoo.messages import received
from cctzoo.training.processes import ALONE, Processes
from cctzoo.typing import Array


def check_batch_parts(devices: int, batch_size: int, processes: Processes) -> None:
    """Raises ValueError unless a batch can be divided among the devices of all processes.

    Args:
        devices: number of devices that each process uses, at least 1.
        batch_size: samples per batch of all of them together.
        processes: the processes that train together.
    """
    _check_positive(devices)
    parts = devices * processes.count
    if parts > 1 and batch_size % (2 * parts):
        raise ValueError(
            "`batch_size` must be a multiple of twice the number of devices. "
            f"{received(batch_size=batch_size, devices=devices, processes=processes.count)}"
        )


@contextlib.contextmanager
def use_devices(count: int, processes: Processes = ALONE) -> Iterator[None]:
    """Within the block, models are built, trained and evaluated on several devices.

    Each device holds all weights and processes an equal part of every batch. On TensorFlow,
    dropout draws the same mask for each part; without dropout, the result is that of one device.

    Args:
        count: number of devices of this machine, at least 1.
        processes: the processes that share each batch. Each uses its own devices: under PyTorch
            one, under JAX all that it has. Alone, a process uses `count` devices for itself.

    Raises:
        ValueError: if the machine has fewer devices, or the backend is PyTorch, which needs one
            process for each device.
    """
    backend = keras.backend.backend()
    _check_positive(count)
    if count > 1 and backend == "torch":
        raise ValueError(
            "Under PyTorch, each device needs a process of its own: start the program with "
            f"`torchrun --nproc-per-node {count}`, without `devices`. {received(devices=count)}"
        )
    if backend == "jax" and count * processes.count > 1:
        import jax

        found = [f"{device.platform}:{device.id}" for device in jax.local_devices()]
        _check_found(count, found)
        used = keras.distribution.list_devices() if processes.count > 1 else found[:count]
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


def devices_in_use() -> int:
    """Returns the number of devices of the block of `use_devices` around the call."""
    backend = keras.backend.backend()
    if backend == "jax" and (distribution := keras.distribution.distribution()):
        return distribution.num_model_replicas
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.distribute.get_strategy().num_replicas_in_sync
    return 1


def shared_size(size: int) -> int:
    """Returns the smallest batch size, `size` or more, that the devices in use share equally."""
    devices = devices_in_use()
    return -(-size // devices) * devices


def share_batch(arrays: Any) -> Any:
    """Divides a batch among the devices in use, for `predict_on_batch`.

    Args:
        arrays: an array (B, ...), or a list of arrays, with a B of `shared_size`.
    """
    if devices_in_use() == 1:
        return arrays
    divide = _on_jax if keras.backend.backend() == "jax" else _on_tensorflow
    return keras.tree.map_structure(divide, arrays)


def _on_jax(array: Array):
    import jax

    layout = keras.distribution.distribution().get_data_layout(array.shape)
    return jax.device_put(array, layout.backend_layout)


def _on_tensorflow(array: Array):
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    size = len(array) // strategy.num_replicas_in_sync

    def part(context):
        start = context.replica_id_in_sync_group * size
        return tf.convert_to_tensor(array[start : start + size])

    return strategy.experimental_distribute_values_from_function(part)


def _check_positive(devices):
    if devices < 1:
        raise ValueError(f"`devices` must be at least 1. Received: devices={devices}")


def _check_found(count, found):
    if len(found) < count:
        raise ValueError(
            "`devices` must be at most the number of devices of this machine. "
            f"Received: devices={count}, found {len(found)}: {', '.join(map(str, found))}"
        )
