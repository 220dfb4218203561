"""Export from every backend; each artifact is compared with the Keras model before it appears."""

from cctzoo.export.graphs import to_onnx, to_openvino
from cctzoo.export.litert import to_litert
from cctzoo.export.microcontroller import MicrocontrollerReport, to_microcontroller
from cctzoo.export.report import ExportError, ExportReport
from cctzoo.export.saved_model import to_saved_model
from cctzoo.export.serving import to_tensorflow_serving, to_triton
from cctzoo.export.web import to_web

__all__ = [
    "ExportError",
    "ExportReport",
    "MicrocontrollerReport",
    "to_litert",
    "to_microcontroller",
    "to_onnx",
    "to_openvino",
    "to_saved_model",
    "to_tensorflow_serving",
    "to_triton",
    "to_web",
]
