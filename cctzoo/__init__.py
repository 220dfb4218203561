"""cctzoo: compact convolutional transformers with large-scale multi-head attention."""

from cctzoo import analysis, data, export, latency, layers, models, training, weights

__all__ = ["analysis", "data", "export", "latency", "layers", "models", "training", "weights"]
