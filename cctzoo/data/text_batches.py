"""Training batches of texts as ids: shuffled, the same for the same seed."""

import keras
import numpy as np


class TextBatches(keras.utils.PyDataset):
    """One epoch after the other of training batches of ids, for `fit` on any backend.

    A batch is `(ids, targets)`: (B, length) int32, (B, classes) float32, one-hot. The order
    of an epoch depends on the seed and the epoch alone. What does not fill a last batch is
    left out of that epoch, so that every step has one shape.

    Args:
        x: ids (n, length) int32, as a `Vocabulary` gives them.
        y: labels (n,), from 0 to one below `classes`.
        classes: number of classes.
        batch_size: from 1 to n.
        seed: of the order.
        epoch: that comes first, counted from 0.

    Raises:
        ValueError: for arrays of other shapes or values, or a batch that they do not fill.
    """

    def __init__(self, x, y, classes, batch_size, *, seed=0, epoch=0):
        super().__init__()
        _check_arrays(x, y, classes)
        if not 1 <= batch_size <= len(x):
            raise ValueError(
                "`batch_size` must be from 1 to the size of the training part. "
                f"Received: batch_size={batch_size}, texts={len(x)}"
            )
        self.x, self.y, self.classes = x, y, classes
        self.batch_size, self.seed, self.epoch = batch_size, seed, epoch
        self._shuffle()

    def __len__(self):
        return len(self.x) // self.batch_size

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.x[chosen], np.eye(self.classes, dtype="float32")[self.y[chosen]]

    def on_epoch_end(self):
        self.epoch += 1
        self._shuffle()

    def _shuffle(self):
        self.order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.x))


def _check_arrays(x, y, classes):
    if x.ndim != 2 or x.dtype != np.int32:
        raise ValueError(
            "`x` must hold ids, (n, length) int32, as a `Vocabulary` gives them. "
            f"Received: x of {x.dtype}, shape {x.shape}"
        )
    if y.shape != x.shape[:1]:
        raise ValueError(
            f"`y` must hold a label per text. Received: y of shape {y.shape}, texts={len(x)}"
        )
    if len(y) and not 0 <= y.min() <= y.max() < classes:
        raise ValueError(
            "Labels must be from 0 to one below `classes`. "
            f"Received: y from {y.min()} to {y.max()}, classes={classes}"
        )
