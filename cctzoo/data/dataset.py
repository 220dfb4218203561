"""Dataset: labelled images or texts in a training, a validation and a test part."""

import dataclasses
from typing import Any, Literal

import keras
import numpy as np

from cctzoo.data.augmentation import Augmentation
from cctzoo.data.batches import ImageBatches
from cctzoo.data.class_weights import balanced_weights
from cctzoo.data.encoded_images import EncodedImages
from cctzoo.data.fingerprint import content_hash
from cctzoo.data.samples import Kind, Samples
from cctzoo.data.sources.tfds_names import set_name
from cctzoo.data.splits import subset
from cctzoo.data.statistics import pixel_statistics
from cctzoo.data.text_batches import TextBatches
from cctzoo.data.view import View
from cctzoo.published_statistics import PUBLISHED_STATISTICS

PARTS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Labelled images or texts in a training, a validation and a test part.

    The validation part is held out of the training part and may be empty. The test part is
    for the final evaluation. Labels are (n,) int64.

    Args:
        name: as given to `data.load`.
        classes: the class names, in the order of the labels.
        x_train, x_validation, x_test: the samples of each part. Images of one size are arrays
            (n, height, width, channels) uint8; images of any size are `EncodedImages`, which
            have the same `shape` and `len()` and are decoded on demand. Texts are arrays (n,)
            of str objects, or (n, length) int32 after `for_model`.
        y_train, y_validation, y_test: the labels of each part.
        kind: what the samples are, `"images"` or `"texts"`.
        validation_rows: (n,) the number of each validation sample among the training samples of
            the source; empty where the source defines the validation part.
    """

    name: str
    classes: list[str]
    x_train: Samples
    y_train: np.ndarray
    x_validation: Samples
    y_validation: np.ndarray
    x_test: Samples
    y_test: np.ndarray
    kind: Kind = "images"
    validation_rows: np.ndarray | None = None

    @property
    def view(self) -> View | None:
        """How images of any size are decoded; None for texts, and for arrays of one size."""
        return self.x_train.view if isinstance(self.x_train, EncodedImages) else None

    def check_kind(self, config: Any) -> None:
        """Raises ValueError unless a model with this config takes samples of this kind."""
        if config.kind != self.kind:
            raise ValueError(
                "A model and its data set must be of the same kind. Received: a model for "
                f"{config.kind}, dataset={self.name!r} with {self.kind}"
            )

    def for_model(self, model: Any) -> "Dataset":
        """Returns the data set as the model takes it: texts become token ids.

        Images, and texts that are token ids already, are returned unchanged.

        Args:
            model: a `CCT` or a `SoftCommittee`; a model for texts must have a vocabulary.

        Raises:
            ValueError: if the model takes samples of the other kind.
        """
        self.check_kind(model.config)
        if self.kind == "images" or self.x_train.dtype != object:
            return self
        ids = {f"x_{part}": model.vocabulary(getattr(self, f"x_{part}")) for part in PARTS}
        return dataclasses.replace(self, **ids)

    def draw(
        self, part: Literal["train", "validation", "test"], count: int, seed: int = 0
    ) -> tuple[Samples, np.ndarray]:
        """Draws at most `count` samples and their labels from a part, stratified by class."""
        x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
        chosen = subset(y, min(count, len(y)), seed)
        return x[chosen], y[chosen]

    def fingerprint(self) -> dict[str, Any]:
        """Returns what identifies the content of the data set, as values for JSON.

        It does not depend on the place of the data: only `name` differs between a data set and
        its copy elsewhere. Images of a TFDS set that are read from disk on demand are identified
        by the set's full name, version and sizes, the numbers of the records, and the labels.

        Returns:
            A dict: `name`, `kind`, `classes`, `shape` (that of one sample) and `parts`, which
            has `samples` (their number) and `sha256` for each part.
        """
        parts = {}
        for part in PARTS:
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            parts[part] = {"samples": len(y), "sha256": content_hash(x, y, self.classes)}
        shape = [int(side) for side in self.x_train.shape[1:]]
        return {
            "name": self.name,
            "kind": self.kind,
            "classes": [str(name) for name in self.classes],
            "shape": shape,
            "parts": parts,
        }

    def pixel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Returns (mean, std) of the training pixels in [0, 1], one number per channel each.

        For CIFAR-10, CIFAR-100, Flowers-102 and ImageNet, these are the published values.

        Raises:
            ValueError: for texts.
        """
        if self.kind != "images":
            raise ValueError(
                "Pixel statistics need a data set of kind 'images'. "
                f"Received: dataset={self.name!r}, kind={self.kind!r}"
            )
        published = PUBLISHED_STATISTICS.get(set_name(self.name))
        if published and self.x_train.shape[-1] == 3:
            return published
        return pixel_statistics(self.x_train)

    def batches(
        self,
        batch_size: int,
        augmentation: Augmentation | None = None,
        *,
        seed: int = 0,
        epoch: int = 0,
        workers: int = 1,
        class_weights: str | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> keras.utils.PyDataset:
        """Returns the training part as shuffled batches for `fit`.

        Args:
            batch_size: samples per batch.
            augmentation: the augmentation, for images only. Default: none.
            seed: seed of the order and the augmentation.
            epoch: the first epoch, counted from 0.
            workers: threads that decode `EncodedImages` ahead.
            class_weights: `"balanced"` weights the samples in the loss so that every class
                counts the same. Default: every sample counts the same.
            part: (index, count): the batches hold this one of `count` parts of every batch.

        Returns:
            `ImageBatches`, or `TextBatches` of token ids.
        """
        if class_weights not in (None, "balanced"):
            raise ValueError(
                "`class_weights` must be 'balanced' or None. "
                f"Received: class_weights={class_weights!r}"
            )
        data = self.x_train, self.y_train, len(self.classes), batch_size
        weights = balanced_weights(self.y_train, len(self.classes)) if class_weights else None
        options = {"seed": seed, "epoch": epoch, "class_weights": weights, "part": part}
        if self.kind == "texts":
            return TextBatches(*data, **options)
        return ImageBatches(*data, augmentation, workers=workers, **options)
