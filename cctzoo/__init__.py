"""cctzoo: compact convolutional transformers with large-scale multi-head attention."""

import importlib
from typing import TYPE_CHECKING

from cctzoo import layers, limits, models, weights

if TYPE_CHECKING:
    from cctzoo import analysis, data, export, latency, runs, training

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "analysis",
    "data",
    "export",
    "latency",
    "layers",
    "limits",
    "models",
    "runs",
    "training",
    "weights",
]


def __getattr__(name: str) -> object:
    """Imports the rooms other than layers, models and weights when they are first used.

    They take half of the package's import time. Layers and models have to be imported: Keras
    registers their classes for `keras.saving.load_model`.
    """
    if name in __all__:
        return importlib.import_module(f"cctzoo.{name}")
    raise AttributeError(f"module 'cctzoo' has no attribute {name!r}")
