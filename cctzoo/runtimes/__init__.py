"""Artifacts as functions from a batch of samples (images or token ids) to outputs."""

from cctzoo.runtimes.graphs import OnnxRunner, OpenVINORunner, import_openvino
from cctzoo.runtimes.litert import LiteRTRunner
from cctzoo.runtimes.loading import KerasRunner, load_runner
from cctzoo.runtimes.runner import Runner
from cctzoo.runtimes.saved_model import SavedModelRunner

__all__ = [
    "KerasRunner",
    "LiteRTRunner",
    "OnnxRunner",
    "OpenVINORunner",
    "Runner",
    "SavedModelRunner",
    "import_openvino",
    "load_runner",
]
