"""Training batches of token ids: shuffled, the same for the same seed."""

import keras
import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.data.augmentation import Augmentation
from cctzoo.data.batches import check_batch_size, check_seed, part_of_batch
from cctzoo.data.class_weights import check_class_weights, with_weights


class TextBatches(keras.utils.PyDataset):
    """Training batches of token ids for `fit` on any backend, epoch after epoch.

    A batch is `(ids, targets)`: (B, length) int32 and one-hot (B, classes) float32; with
    `class_weights`, it is `(ids, targets, weights)` with weights (B,) float32. The order of an
    epoch depends only on the seed and the epoch. An incomplete last batch is dropped, so
    that every step has the same shape.

    Args:
        x: token ids (n, length) int32, as a `Vocabulary` returns them.
        y: labels (n,), from 0 to `classes` - 1.
        classes: number of classes.
        batch_size: texts per batch, from 1 to n.
        seed: seed of the order.
        epoch: the first epoch, counted from 0.
        class_weights: weight of each class in the loss, (classes,). Default: all are equal.
        part: as in `ImageBatches`.

    Raises:
        ValueError: if an array has another shape or other values, or `batch_size` is too large
            or cannot be divided.
    """

    @checked_arguments
    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        classes: int,
        batch_size: int,
        *,
        seed: int = 0,
        epoch: int = 0,
        class_weights: np.ndarray | None = None,
        part: tuple[int, int] = (0, 1),
    ):
        super().__init__()
        _check_arrays(x, y, classes)
        check_batch_size(batch_size, len(x), Augmentation())
        check_seed(seed, epoch)
        self.x, self.y, self.classes = x, y, classes
        self.batch_size, self.seed, self.epoch = batch_size, seed, epoch
        self.class_weights = check_class_weights(class_weights, classes)
        self.part = part_of_batch(part, batch_size, Augmentation())
        self._shuffle()

    def __len__(self) -> int:
        return len(self.x) // self.batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        whole = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        chosen = whole[self.part]
        targets = np.eye(self.classes, dtype="float32")[self.y[chosen]]
        return self.x[chosen], *with_weights(targets, self.class_weights)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()

    def _shuffle(self):
        self.order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.x))


def _check_arrays(x, y, classes):
    if x.ndim != 2 or x.dtype != np.int32:
        raise ValueError(
            "`x` must hold token ids, (n, length) int32, as a `Vocabulary` returns them. "
            f"Received: x of {x.dtype}, shape {x.shape}"
        )
    if y.shape != x.shape[:1]:
        raise ValueError(
            f"`y` must hold one label per text. Received: y of shape {y.shape}, texts={len(x)}"
        )
    if len(y) and not 0 <= y.min() <= y.max() < classes:
        raise ValueError(
            "Labels must be from 0 to `classes` - 1. "
            f"Received: y from {y.min()} to {y.max()}, classes={classes}"
        )
