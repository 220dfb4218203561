"""Data sets, batches and augmentation; nothing here needs TensorFlow."""

from cctzoo.data.augmentation import random_crop, random_flip
from cctzoo.data.batches import TrainingBatches
from cctzoo.data.datasets import Dataset, load

__all__ = ["Dataset", "TrainingBatches", "load", "random_crop", "random_flip"]
