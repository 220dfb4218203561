"""ONNX Runtime and OpenVINO."""

import collections
import sys
from types import ModuleType

import numpy as np

from cctzoo.optional_packages import require
from cctzoo.runtimes.runner import checked
from cctzoo.typing import Array, PathLike


class OnnxRunner:
    """An `.onnx` file under ONNX Runtime on the CPU."""

    def __init__(self, path: PathLike, threads: int = 1):
        require("onnxruntime", extra="onnx", purpose="Running an .onnx file")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.path = str(path)
        self.session = onnxruntime.InferenceSession(
            self.path, options, providers=["CPUExecutionProvider"]
        )
        (self.input,) = self.session.get_inputs()
        batch, *self.sample_shape = self.input.shape
        self.batch = batch if isinstance(batch, int) else None  # a name where it is dynamic
        self.dtype = np.dtype({"tensor(float)": "float32"}.get(self.input.type, "int32"))

    def __call__(self, samples: Array) -> Array:
        samples = checked(samples, self.sample_shape, self.batch or 1).astype(self.dtype)
        size = self.batch or len(samples)
        outputs = [
            self.session.run(None, {self.input.name: samples[start : start + size]})[0]
            for start in range(0, len(samples), size)
        ]
        return np.concatenate(outputs)

    def operators(self) -> dict[str, int]:
        """Count by operator of the file, before ONNX Runtime fuses operators."""
        import onnx

        graph = onnx.load(self.path, load_external_data=False).graph
        return dict(collections.Counter(node.op_type for node in graph.node))


class OpenVINORunner:
    """An OpenVINO `.xml` file, with its `.bin` next to it, on the CPU in float32."""

    def __init__(self, path: PathLike, threads: int = 1):
        openvino = import_openvino()
        core = openvino.Core()
        self.graph = core.read_model(path)
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        self.model = core.compile_model(self.graph, "CPU", settings)
        batch, *sides = self.graph.input(0).get_partial_shape()
        self.sample_shape = [side.get_length() for side in sides]
        self.batch = batch.get_length() if batch.is_static else None
        self.dtype = np.dtype(self.graph.input(0).get_element_type().to_dtype())

    def __call__(self, samples: Array) -> Array:
        samples = checked(samples, self.sample_shape, self.batch or 1).astype(self.dtype)
        size = self.batch or len(samples)
        outputs = [
            self.model(samples[start : start + size])[0].copy()
            for start in range(0, len(samples), size)
        ]
        return np.concatenate(outputs)

    def operators(self) -> dict[str, int]:
        """Count by operator of the file, before OpenVINO fuses operators."""
        return dict(collections.Counter(node.get_type_name() for node in self.graph.get_ops()))


def import_openvino() -> ModuleType:
    """Imports OpenVINO without its usage statistics.

    OpenVINO sends them at import from a forked process; JAX warns that this fork may hang. The
    patch of `sys.modules` is not thread-safe: another thread must not import OpenVINO's
    telemetry at the same time.
    """
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    require("openvino", extra="openvino", purpose="OpenVINO's format")
    before = sys.modules.get("openvino_telemetry")
    sys.modules["openvino_telemetry"] = None  # its import fails, which OpenVINO expects
    try:
        import openvino
    finally:
        if before is None:
            del sys.modules["openvino_telemetry"]
        else:
            sys.modules["openvino_telemetry"] = before
    return openvino
