"""cctzoo: compact convolutional transformers with large-scale multi-head attention."""

from cctzoo import export, latency, layers, models, weights

__all__ = ["export", "latency", "layers", "models", "weights"]
