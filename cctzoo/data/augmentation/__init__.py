"""Augmentation: random numbers are drawn on the host, pixels change in compiled code."""

from cctzoo.data.augmentation.augmentation import Augmentation

__all__ = ["Augmentation"]
