"""cctzoo: compact convolutional transformers with large-scale multi-head attention."""

from cctzoo import analysis, data, export, latency, layers, models, runs, training, weights

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "analysis",
    "data",
    "export",
    "latency",
    "layers",
    "models",
    "runs",
    "training",
    "weights",
]
