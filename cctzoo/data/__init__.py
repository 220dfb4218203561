"""Data sets, batches and augmentation; nothing here needs TensorFlow."""

from cctzoo.data.augmentation import Augmentation
from cctzoo.data.batches import TrainingBatches
from cctzoo.data.datasets import Dataset, check_name, load
from cctzoo.data.encoded_images import EncodedImages

__all__ = ["Augmentation", "Dataset", "EncodedImages", "TrainingBatches", "check_name", "load"]
