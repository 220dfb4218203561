"""cctzoo: compact convolutional transformers with large-scale multi-head attention."""

from cctzoo import data, export, latency, layers, models, training, weights

__all__ = ["data", "export", "latency", "layers", "models", "training", "weights"]
