"""Training batches: shuffled, with what the augmentation draws, the same for the same seed."""

import keras
import numpy as np

from cctzoo.data.augmentation import Augmentation, boxes


class ImageBatches(keras.utils.PyDataset):
    """One epoch after the other of training batches, for `fit` on any backend.

    A batch is `(inputs, targets)`. `inputs` is a dict of what `Augmentation.draw` drew and
    of `index` (B,) int32, the images' places in `x`, or, where `x` is not an array but
    decoded as it goes, `image` (B, height, width, channels) uint8. `targets` are
    (B, classes) float32, mixed as the images will be. Order and draws of an epoch depend on
    the seed and the epoch alone. What does not fill a last batch is left out of that epoch,
    so that every step has one shape.

    Args:
        x: images, (n, height, width, channels) uint8 or `EncodedImages`.
        y: labels (n,).
        classes: number of classes.
        batch_size: at most n; even where the augmentation mixes images.
        augmentation: an `Augmentation`. Default: none.
        seed: of order and draws.
        epoch: that comes first, counted from 0.
        workers: threads that decode ahead, for `EncodedImages`.
    """

    def __init__(self, x, y, classes, batch_size, augmentation=None, *, seed=0, epoch=0, workers=1):
        super().__init__(workers=workers)
        augmentation = augmentation or Augmentation()
        check_batch_size(batch_size, len(x), augmentation)
        self.x, self.y, self.classes = x, y, classes
        self.batch_size, self.augmentation = batch_size, augmentation
        self.seed, self.epoch = seed, epoch
        self._shuffle()

    def __len__(self):
        return len(self.x) // self.batch_size

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, self.epoch, 1 + index])
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        height, width = self.x.shape[1:3]
        if isinstance(self.x, np.ndarray):
            inputs, crop = {"index": chosen.astype("int32")}, True
        else:
            inputs, crop = {"image": self._decoded(chosen, rng)}, False
        inputs |= self.augmentation.draw(rng, len(chosen), height, width, self.epoch, crop)
        targets = np.eye(self.classes, dtype="float32")[self.y[chosen]]
        return inputs, self.augmentation.mix_targets(targets, inputs)

    def on_epoch_end(self):
        self.epoch += 1
        self._shuffle()

    def _shuffle(self):
        rng = np.random.default_rng([self.seed, self.epoch, 0])
        self.order = rng.permutation(len(self.x))

    def _decoded(self, chosen, rng):
        """(B, height, width, channels) uint8: random resized crops of the whole pictures."""
        if self.augmentation.crop_scale is None:
            return self.x.batch(chosen)
        pictures = [self.x.open(i) for i in chosen]
        widths, heights = np.array([picture.size for picture in pictures]).T
        crops = boxes.resized_crops(rng, heights, widths, self.augmentation.crop_scale)
        _, height, width, channels = self.x.shape
        images = np.empty((len(chosen), height, width, channels), "uint8")
        for image, picture, (top, left, rows, columns) in zip(images, pictures, crops, strict=True):
            box = (left, top, left + columns, top + rows)
            resized = picture.resize((width, height), resample=3, box=box)  # 3: bicubic
            image[:] = np.asarray(resized).reshape(height, width, channels)
        return images


def check_batch_size(batch_size, images, augmentation):
    """Raises ValueError unless the training part fills a batch that can be augmented."""
    if batch_size > images:
        raise ValueError(
            "`batch_size` must not be larger than the training part. "
            f"Received: batch_size={batch_size}, images={images}"
        )
    if augmentation.mixes and batch_size % 2:
        raise ValueError(
            "`batch_size` must be even for mixup and cutmix, which mix pairs. "
            f"Received: batch_size={batch_size}"
        )
