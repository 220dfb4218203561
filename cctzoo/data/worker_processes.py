"""Batches that processes prepare, for images that threads cannot decode fast enough."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Any

import keras

from cctzoo.data.batches import ImageBatches


@contextlib.contextmanager
def in_processes(batches: ImageBatches, count: int) -> Iterator[keras.utils.PyDataset]:
    """Within the block, processes prepare the same batches ahead, in the same order.

    Pillow decodes in several threads at once, but Python runs the rest in one at a time: for
    images as small as 64 x 64 pixels, threads are no faster than a single one. The processes are
    started anew (`spawn`), so that the main module must be importable without side effects.

    Args:
        batches: whose images are decoded; each process has a copy.
        count: number of processes.

    Yields:
        The batches, for `fit`.
    """
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _start, (batches,))
    try:
        yield _Awaited(batches, pool, count)
    finally:
        pool.shutdown(cancel_futures=True)


class _Awaited(keras.utils.PyDataset):
    """The batches of a pool; each of Keras' threads waits for one."""

    def __init__(self, batches, pool, count):
        super().__init__(workers=count + 1)  # one thread more, so that no process waits for work
        self.seed, self.epoch = batches.seed, batches.epoch
        self.length, self.pool = len(batches), pool

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self.pool.submit(_batch, self.epoch, index).result()

    def on_epoch_end(self) -> None:
        self.epoch += 1


_batches: ImageBatches | None = None  # of a worker process


def _start(batches):
    global _batches
    _batches = batches
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that trains
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _batch(epoch, index):
    while _batches.epoch < epoch:
        _batches.on_epoch_end()
    return _batches[index]
