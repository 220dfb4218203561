"""Augmentation: random numbers are drawn on the host, pixels are changed in compiled code."""

from cctzoo.data.augmentation.augmentation import Augmentation

__all__ = ["Augmentation"]
