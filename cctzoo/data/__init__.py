"""Data sets, batches and augmentation, without TensorFlow."""

from cctzoo.data.augmentation import Augmentation
from cctzoo.data.batches import ImageBatches
from cctzoo.data.dataset import Dataset
from cctzoo.data.encoded_images import EncodedImages
from cctzoo.data.loading import load
from cctzoo.data.names import check_name
from cctzoo.data.samples import take
from cctzoo.data.text_batches import TextBatches
from cctzoo.data.view import View, read_images

__all__ = [
    "Augmentation",
    "Dataset",
    "EncodedImages",
    "ImageBatches",
    "TextBatches",
    "View",
    "check_name",
    "load",
    "read_images",
    "take",
]
