"""cctzoo: compact convolutional transformers with large-scale multi-head attention."""

from cctzoo import layers, models, weights

__all__ = ["layers", "models", "weights"]
