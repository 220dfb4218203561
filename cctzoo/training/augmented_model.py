"""AugmentedModel: a model that augments images inside the compiled training step."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from cctzoo.data import Augmentation
from cctzoo.training.teacher import Teachers
from cctzoo.typing import Array, Tensor

INTEGERS = {"index", "operation", "erased", "noise", "mixed"}


class AugmentedModel(keras.Model):
    """A model and the augmentation of its training images as one compiled step.

    In training, it takes the batches of `data.ImageBatches`. A batch has either `index`, the
    places of its images in an array on the accelerator, or `image`, the images themselves. In
    evaluation, it takes images.

    Args:
        model: model for images with values 0-255.
        augmentation: the augmentation.
        mean, std: pixel statistics per channel, for pixels in [0, 1].
        images: (n, height, width, channels) uint8, to be kept on the accelerator. Default:
            every batch has its own images.
        teachers: in training, their output for the augmented images is appended to the model's.
        replica: in training, calls the model in place of the model itself, see `Replica`.
    """

    def __init__(
        self,
        model: keras.Model,
        augmentation: Augmentation,
        mean: float | Sequence[float],
        std: float | Sequence[float],
        images: Array | None = None,
        teachers: Teachers | None = None,
        replica: Callable[[Tensor], Tensor] | None = None,
    ):
        # No autocast: indices and coordinates must not become bfloat16.
        super().__init__(dtype=model.dtype_policy, autocast=False, name=f"augmented_{model.name}")
        self.model, self.augmentation, self.teachers = model, augmentation, teachers
        self.replica = replica
        self.mean, self.std = (255 * np.array(values, "float32") for values in (mean, std))
        if images is not None:
            self.images = keras.Variable(images, dtype="uint8", trainable=False, name="images")

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """(None, height, width, channels) of the images that it takes in evaluation."""
        return self.model.input_shape

    def call(self, batch, training=False):
        if isinstance(batch, dict):
            # Under MirroredStrategy, the first, symbolic call of Keras has float64 for int32.
            integers = {name: ops.cast(batch[name], "int32") for name in INTEGERS & set(batch)}
            batch = {**batch, **integers}
            images = (
                ops.take(self.images, batch["index"], axis=0)
                if "index" in batch
                else batch["image"]
            )
            batch = self.augmentation(images, batch, self.mean, self.std)
        if training and self.replica:
            outputs = self.replica(batch)
        else:
            outputs = self.model(batch, training=training)
        if self.teachers is None or not training:
            return outputs
        return ops.concatenate([ops.cast(outputs, "float32"), self.teachers(batch)], axis=-1)
