"""cctzoo: compact convolutional transformers with large-scale multi-head attention."""

import importlib
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cctzoo.installation import import_models

if TYPE_CHECKING:
    from cctzoo import (
        analysis,
        data,
        export,
        latency,
        layers,
        limits,
        models,
        prediction,
        runs,
        training,
        weights,
    )
    from cctzoo.models import create_model, list_models
    from cctzoo.prediction import predict
    from cctzoo.runs import load_model

__version__ = "0.1.0"

ROOMS = (
    "analysis",
    "data",
    "export",
    "latency",
    "layers",
    "limits",
    "models",
    "prediction",
    "runs",
    "training",
    "weights",
)
FUNCTIONS = {
    "create_model": "models",
    "list_models": "models",
    "load_model": "runs",
    "predict": "prediction",
}

__all__ = [
    "__version__",
    "analysis",
    "create_model",
    "data",
    "export",
    "latency",
    "layers",
    "limits",
    "list_models",
    "load_model",
    "models",
    "predict",
    "prediction",
    "runs",
    "training",
    "weights",
]


def __getattr__(name: str) -> object:
    """Imports rooms other than layers, models and weights when they are first used.

    They take half of the package's import time.
    """
    if name in FUNCTIONS:
        return getattr(importlib.import_module(f"cctzoo.{FUNCTIONS[name]}"), name)
    if name in ROOMS:
        return importlib.import_module(f"cctzoo.{name}")
    raise AttributeError(f"module 'cctzoo' has no attribute {name!r}")


def _is_command() -> bool:
    """Whether this process is `cctzoo ...` or `python -m cctzoo ...`.

    The command imports Keras only for what needs it: its help appears at once, and
    `cctzoo doctor` works without a backend.
    """
    program = sys.argv[0] if sys.argv else ""
    words = sys.orig_argv
    module = "-mcctzoo" in words or ("-m", "cctzoo") in itertools.pairwise(words)
    return Path(program).stem == "cctzoo" or (program == "-m" and module)


if not _is_command():
    import_models()  # Keras registers their classes for `keras.saving.load_model`
