"""Training batches: shuffled, augmented, the same for the same seed."""

import keras
import numpy as np

from cctzoo.data.augmentation import random_crop, random_flip


class TrainingBatches(keras.utils.PyDataset):
    """One epoch after the other of augmented batches, for `fit` on any backend.

    Order and augmentation of an epoch depend on seed and epoch alone. The images that do
    not fill a last batch are left out of that epoch, so that every step has one shape.

    Args:
        x: images (n, height, width, channels) uint8.
        y: labels (n,).
        classes: number of classes; labels come out one-hot, (B, classes) float32.
        batch_size: at most n.
        crop_padding: pixels of the random crop's padding; 0 for none.
        flip: mirror left to right at random.
        seed: of order and augmentation.
    """

    def __init__(self, x, y, classes, batch_size, crop_padding=0, flip=False, seed=0):
        super().__init__()
        if batch_size > len(x):
            raise ValueError(
                "`batch_size` must not be larger than the training part. "
                f"Received: batch_size={batch_size}, images={len(x)}"
            )
        self.x, self.y, self.classes = x, y, classes
        self.batch_size, self.crop_padding, self.flip = batch_size, crop_padding, flip
        self.seed, self.epoch = seed, 0
        self._shuffle()

    def __len__(self):
        return len(self.x) // self.batch_size

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, self.epoch, 1 + index])
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        x = self.x[chosen]
        if self.crop_padding:
            x = random_crop(x, self.crop_padding, rng)
        if self.flip:
            x = random_flip(x, rng)
        y = np.eye(self.classes, dtype="float32")[self.y[chosen]]
        return x.astype("float32"), y

    def on_epoch_end(self):
        self.epoch += 1
        self._shuffle()

    def _shuffle(self):
        rng = np.random.default_rng([self.seed, self.epoch, 0])
        self.order = rng.permutation(len(self.x))
