"""Image training batches: shuffled, with random numbers for the augmentation."""

from typing import Any

import keras
import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.data.augmentation import Augmentation, boxes
from cctzoo.data.class_weights import check_class_weights, with_weights
from cctzoo.data.samples import Samples, take
from cctzoo.messages import received


class ImageBatches(keras.utils.PyDataset):
    """Image training batches for `fit` on any backend, epoch after epoch.

    A batch is `(inputs, targets)`. `inputs` is a dict of the arrays that `Augmentation.draw`
    returns and of either `index` (B,) int32, the positions of the images in the array `x`, or
    `image` (B, height, width, channels) uint8, the images decoded from `EncodedImages`.
    `targets` are (B, classes) float32, mixed like the images. With `class_weights`, a batch is
    `(inputs, targets, weights)`: the weights (B,) float32 of mixed images are mixed too. The
    order and the random numbers of an epoch depend only on the seed and the epoch. An
    incomplete last batch is dropped, so that every step has the same shape.

    Args:
        x: images (n, height, width, channels) uint8, or `EncodedImages`.
        y: labels (n,).
        classes: number of classes.
        batch_size: images per batch, at most n; even if the augmentation mixes images.
        augmentation: an `Augmentation`. Default: none.
        seed: seed of the order and the random numbers.
        epoch: the first epoch, counted from 0.
        workers: threads that decode `EncodedImages` ahead.
        class_weights: weight of each class in the loss, (classes,). Default: all are equal.
        part: (index, count): the batches hold this one of `count` equal parts of every batch.
            The images of other parts are not decoded.

    Raises:
        ValueError: if the batch size is too large, or odd where images are mixed, or cannot be
            divided into such parts.
    """

    @checked_arguments
    def __init__(
        self,
        x: Samples,
        y: np.ndarray,
        classes: int,
        batch_size: int,
        augmentation: Augmentation | None = None,
        *,
        seed: int = 0,
        epoch: int = 0,
        workers: int = 1,
        class_weights: np.ndarray | None = None,
        part: tuple[int, int] = (0, 1),
    ):
        super().__init__(workers=workers)
        augmentation = augmentation or Augmentation()
        check_batch_size(batch_size, len(x), augmentation)
        check_seed(seed, epoch)
        self.x, self.y, self.classes = x, y, classes
        self.batch_size, self.augmentation = batch_size, augmentation
        self.seed, self.epoch = seed, epoch
        self.class_weights = check_class_weights(class_weights, classes)
        self.part = part_of_batch(part, batch_size, augmentation)
        self._shuffle()

    def __len__(self) -> int:
        return len(self.x) // self.batch_size

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rng = np.random.default_rng([self.seed, self.epoch, 1 + index])
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        height, width = self.x.shape[1:3]
        if isinstance(self.x, np.ndarray):
            inputs, crop = {"index": chosen[self.part].astype("int32")}, True
        else:
            inputs, crop = {"image": self._decoded(chosen, rng)}, False
        draws = self.augmentation.draw(rng, len(chosen), height, width, self.epoch, crop)
        targets = np.eye(self.classes, dtype="float32")[self.y[chosen]]
        targets = self.augmentation.mix_targets(targets, draws)
        inputs |= {name: values[self.part] for name, values in draws.items()}
        return inputs, *with_weights(targets[self.part], self.class_weights)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()

    def _shuffle(self):
        rng = np.random.default_rng([self.seed, self.epoch, 0])
        self.order = rng.permutation(len(self.x))

    def _decoded(self, chosen, rng):
        """(B, height, width, channels) uint8: random resized crops of the original images."""
        if self.augmentation.crop_scale is None:
            return take(self.x, chosen[self.part])
        draws = boxes.draw_crops(rng, len(chosen))[self.part]
        pictures = [self.x.open(i) for i in chosen[self.part]]
        widths, heights = np.array([picture.size for picture in pictures]).T
        crops = boxes.resized_crops(draws, heights, widths, self.augmentation.crop_scale)
        _, height, width, channels = self.x.shape
        images = np.empty((len(pictures), height, width, channels), "uint8")
        for image, picture, (top, left, rows, columns) in zip(images, pictures, crops, strict=True):
            box = (left, top, left + columns, top + rows)
            resized = picture.resize((width, height), resample=3, box=box)  # 3: bicubic
            image[:] = np.asarray(resized).reshape(height, width, channels)
        return images


def check_batch_size(batch_size: int, samples: int, augmentation: Augmentation) -> None:
    """Raises ValueError unless the training part fills a batch that can be augmented."""
    if not 1 <= batch_size <= samples:
        raise ValueError(
            "`batch_size` must be from 1 to the size of the training part. "
            f"Received: batch_size={batch_size}, samples={samples}"
        )
    if augmentation.mixes and batch_size % 2:
        raise ValueError(
            "`batch_size` must be even for mixup and cutmix, which mix pairs. "
            f"Received: batch_size={batch_size}"
        )


def part_of_batch(part: tuple[int, int], batch_size: int, augmentation: Augmentation) -> slice:
    """Returns where one of several equal parts of a batch lies.

    Args:
        part: (index, count).
        batch_size: samples of the whole batch.
        augmentation: mixup and cutmix never join images of different parts.

    Raises:
        ValueError: if the batch cannot be divided into `count` parts, of an even size if the
            augmentation mixes images, or `index` is not below `count`.
    """
    index, count = part
    if not 0 <= index < count:
        raise ValueError(
            f"`part` must be (index, count) with an index below the count. {received(part=part)}"
        )
    step = 2 * count if augmentation.mixes and count > 1 else count
    if batch_size % step:
        twice = "twice the number" if step > count else "the number"
        raise ValueError(
            f"`batch_size` must be a multiple of {twice} of parts that a batch is divided into. "
            f"{received(batch_size=batch_size, parts=count)}"
        )
    size = batch_size // count
    return slice(index * size, (index + 1) * size)


def check_seed(seed: int, epoch: int) -> None:
    """Raises ValueError for numbers that no random generator takes."""
    if seed < 0 or epoch < 0:
        raise ValueError(
            f"`seed` and `epoch` must not be negative. {received(seed=seed, epoch=epoch)}"
        )
