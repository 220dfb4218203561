"""Artifacts as functions from a batch of samples (images or token ids) to outputs."""

import collections
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from cctzoo.formats.saved_model import check_operators
from cctzoo.optional_packages import require
from cctzoo.quiet import without_noise
from cctzoo.typing import Array, PathLike
from cctzoo.weights.keras_file import load_keras_model


class Runner(Protocol):
    """An artifact as a function of a batch of samples.

    Attributes:
        sample_shape: shape of one sample.
        dtype: dtype of the samples.
        batch: static batch size, or None.
    """

    sample_shape: list[int]
    dtype: np.dtype
    batch: int | None

    def __call__(self, samples: Array) -> Array: ...


class LiteRTRunner:
    """A `.tflite` file under the LiteRT interpreter, with its XNNPACK delegate.

    The graph's batch size is static: the number of samples must be a multiple of it. Calls from
    several threads wait for each other; to run in parallel, each thread needs its own runner.

    Raises:
        ValueError: if the file is not a complete LiteRT graph with one input and one output.
    """

    def __init__(self, path: PathLike, threads: int = 1):
        require("ai_edge_litert", extra="export", purpose="Running a .tflite file")
        from ai_edge_litert.interpreter import Interpreter

        try:
            with without_noise():
                self.interpreter = Interpreter(str(path), num_threads=threads)
                self.interpreter.allocate_tensors()
            (self.input,) = self.interpreter.get_input_details()
            (self.output,) = self.interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                "A .tflite file must be a complete LiteRT graph with one input and one output. "
                f"Received: path={str(path)!r}; LiteRT's error: {error}"
            ) from error
        self.batch, *self.sample_shape = map(int, self.input["shape"])
        self.dtype = np.dtype(self.input["dtype"])
        self._lock = threading.Lock()  # an interpreter has one set of tensors

    def __call__(self, samples: Array) -> Array:
        samples = _checked(samples, self.sample_shape, self.batch).astype(self.dtype)
        outputs = []
        with self._lock:
            for start in range(0, len(samples), self.batch):
                batch = samples[start : start + self.batch]
                self.interpreter.set_tensor(self.input["index"], batch)
                self.interpreter.invoke()
                outputs.append(self.interpreter.get_tensor(self.output["index"]))
        return np.concatenate(outputs)

    def operators(self) -> dict[str, int]:
        """Count by operator of the graph; the delegate's partitions count as DELEGATE."""
        return dict(collections.Counter(name for name, _ in self.operator_outputs()))

    def operator_outputs(self) -> list[tuple[str, dict[str, Any]]]:
        """(operator, details of its first output) in the order of execution."""
        # Private: LiteRT has no public call that lists the operators after delegation.
        operators = self.interpreter._get_ops_details()
        tensors = {each["index"]: each for each in self.interpreter.get_tensor_details()}
        return [(each["op_name"], tensors.get(each["outputs"][0], {})) for each in operators]

    def signature(self) -> tuple[str, str]:
        """(the signature of the graph, the name of its input there)."""
        ((signature, ends),) = self.interpreter.get_signature_list().items()
        (name,) = ends["inputs"]
        return signature, name


class SavedModelRunner:
    """The `serve` signature of a SavedModel under TensorFlow: float32 images, or int32 ids.

    Raises:
        ValueError: if the graph holds operators that do more than compute, see
            `formats.saved_model`.
    """

    def __init__(self, path: PathLike):
        require("tensorflow", extra="export", purpose="Running a SavedModel")
        import tensorflow as tf

        check_operators(path)
        self.model = tf.saved_model.load(str(path))  # kept, because it owns the variables
        signatures = self.model.signatures
        self.serve = signatures["serve" if "serve" in signatures else "serving_default"]
        ((self.name, spec),) = self.serve.structured_input_signature[1].items()
        self.dtype = np.dtype(spec.dtype.as_numpy_dtype)
        self.batch, *self.sample_shape = spec.shape
        self.constant = tf.constant

    def __call__(self, samples: Array) -> Array:
        samples = _checked(samples, self.sample_shape).astype(self.dtype)
        (output,) = self.serve(**{self.name: self.constant(samples)}).values()
        return output.numpy()


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
        samples = _checked(samples, self.sample_shape, self.batch or 1).astype(self.dtype)
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
        samples = _checked(samples, self.sample_shape, self.batch or 1).astype(self.dtype)
        size = self.batch or len(samples)
        outputs = [
            self.model(samples[start : start + size])[0].copy()
            for start in range(0, len(samples), size)
        ]
        return np.concatenate(outputs)

    def operators(self) -> dict[str, int]:
        """Count by operator of the file, before OpenVINO fuses operators."""
        return dict(collections.Counter(node.get_type_name() for node in self.graph.get_ops()))


class KerasRunner:
    """A `.keras` file on the Keras backend of this process, compiled by Keras' defaults."""

    def __init__(self, path: PathLike):
        self.model = load_keras_model(path, other_models=True)
        self.batch, *self.sample_shape = self.model.input_shape
        self.dtype = np.dtype(self.model.inputs[0].dtype)

    def __call__(self, samples: Array) -> Array:
        return self.model.predict_on_batch(_checked(samples, self.sample_shape))


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


def _checked(samples, sample_shape, batch=1):
    """The samples as an array, if their shape fits the graph and its batch size."""
    samples = np.asarray(samples)
    if list(samples.shape[1:]) != list(sample_shape) or not len(samples) or len(samples) % batch:
        raise ValueError(
            f"Samples must be of shape (n, {', '.join(map(str, sample_shape))}), with n a "
            f"positive multiple of the graph's batch size, {batch}. "
            f"Received: samples.shape={samples.shape}"
        )
    return samples


def load_runner(path: PathLike, threads: int = 1) -> Runner:
    """Loads an artifact as a function of a batch of samples.

    Args:
        path: a `.tflite`, `.onnx`, OpenVINO `.xml` or `.keras` file, or a SavedModel folder.
        threads: threads of LiteRT, ONNX Runtime or OpenVINO; the other runtimes use the limits
            of the process.

    Raises:
        ValueError: if `path` is not such an artifact.
    """
    path = Path(path)
    runners = {".tflite": LiteRTRunner, ".onnx": OnnxRunner, ".xml": OpenVINORunner}
    if path.suffix in runners and path.is_file():
        return runners[path.suffix](path, threads)
    if path.suffix == ".keras" and path.is_file():
        return KerasRunner(path)
    if (path / "saved_model.pb").is_file():
        return SavedModelRunner(path)
    raise ValueError(
        "An artifact must be a .tflite, .onnx, .xml (OpenVINO) or .keras file or a SavedModel "
        f"folder. Received: path={str(path)!r}"
    )
