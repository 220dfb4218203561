"""Data sets, batches and augmentation; nothing here needs TensorFlow."""

from cctzoo.data.augmentation import Augmentation
from cctzoo.data.batches import TrainingBatches
from cctzoo.data.dataset import Dataset, check_name, load
from cctzoo.data.encoded_images import EncodedImages
from cctzoo.data.text_batches import TextBatches
from cctzoo.data.texts import TextDataset

__all__ = [
    "Augmentation",
    "Dataset",
    "EncodedImages",
    "TextBatches",
    "TextDataset",
    "TrainingBatches",
    "check_name",
    "load",
]
