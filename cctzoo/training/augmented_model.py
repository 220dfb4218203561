"""AugmentedModel: a model whose training step augments its images itself."""

import keras
import numpy as np
from keras import ops

WHOLE = {"index", "operation", "erased", "noise", "mixed"}


class AugmentedModel(keras.Model):
    """A model together with what happens to its training images, as one compiled step.

    In training it takes what `data.ImageBatches` yields: with `index`, the images come
    from an array that lies on the accelerator; else they are in the batch as `image`. In
    evaluation it takes images.

    Args:
        model: takes images with values 0-255.
        augmentation: a `data.Augmentation`.
        mean, std: of the data per channel, for pixels in [0, 1].
        images: (n, height, width, channels) uint8, or `None` where batches bring their own.
    """

    def __init__(self, model, augmentation, mean, std, images=None):
        # Without autocast: indices and coordinates must not become bfloat16.
        super().__init__(dtype=model.dtype_policy, autocast=False, name=f"augmented_{model.name}")
        self.model, self.augmentation = model, augmentation
        self.mean, self.std = (255 * np.array(values, "float32") for values in (mean, std))
        if images is not None:
            self.images = keras.Variable(images, dtype="uint8", trainable=False, name="images")

    def call(self, batch, training=False):
        if isinstance(batch, dict):
            # Keras' first, symbolic call under MirroredStrategy comes with float64 for int32.
            whole = {name: ops.cast(batch[name], "int32") for name in WHOLE & set(batch)}
            batch = {**batch, **whole}
            images = (
                ops.take(self.images, batch["index"], axis=0)
                if "index" in batch
                else batch["image"]
            )
            batch = self.augmentation(images, batch, self.mean, self.std)
        return self.model(batch, training=training)
