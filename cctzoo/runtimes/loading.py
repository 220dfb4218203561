"""The runtime of an artifact."""

from pathlib import Path

import numpy as np

from cctzoo.runtimes.graphs import OnnxRunner, OpenVINORunner
from cctzoo.runtimes.litert import LiteRTRunner
from cctzoo.runtimes.runner import Runner, checked
from cctzoo.runtimes.saved_model import SavedModelRunner
from cctzoo.typing import Array, PathLike
from cctzoo.weights.keras_file import load_keras_model


class KerasRunner:
    """A `.keras` file on the Keras backend of this process, compiled by Keras' defaults."""

    def __init__(self, path: PathLike):
        self.model = load_keras_model(path, other_models=True)
        self.batch, *self.sample_shape = self.model.input_shape
        self.dtype = np.dtype(self.model.inputs[0].dtype)

    def __call__(self, samples: Array) -> Array:
        return self.model.predict_on_batch(checked(samples, self.sample_shape))


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
