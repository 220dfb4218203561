"""Artifacts as functions from a batch of images to outputs."""

import collections
from pathlib import Path

import keras
import numpy as np


class LiteRTRunner:
    """A `.tflite` file under the LiteRT interpreter, with its XNNPACK delegate.

    The graph's batch is static: the number of images has to be a multiple of it.
    """

    def __init__(self, path, threads=1):
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(str(path), num_threads=threads)
        self.interpreter.allocate_tensors()
        (self.input,) = self.interpreter.get_input_details()
        (self.output,) = self.interpreter.get_output_details()
        self.batch, *self.image_shape = map(int, self.input["shape"])

    def __call__(self, images):
        if len(images) % self.batch:
            raise ValueError(
                f"The number of images must be a multiple of the graph's batch, {self.batch}. "
                f"Received: {len(images)} images"
            )
        outputs = []
        for start in range(0, len(images), self.batch):
            self.interpreter.set_tensor(self.input["index"], images[start : start + self.batch])
            self.interpreter.invoke()
            outputs.append(self.interpreter.get_tensor(self.output["index"]))
        return np.concatenate(outputs)

    def operators(self):
        """Count by operator of the graph; the delegate's partitions count as DELEGATE."""
        # LiteRT has no public call that lists operators after delegation.
        names = (detail["op_name"] for detail in self.interpreter._get_ops_details())
        return dict(collections.Counter(names))


class SavedModelRunner:
    """A SavedModel's `serve` endpoint under TensorFlow."""

    def __init__(self, path):
        import tensorflow as tf

        self.model = tf.saved_model.load(str(path))  # kept: it owns the variables
        _, inputs = self.model.signatures["serving_default"].structured_input_signature
        (spec,) = inputs.values()
        self.image_shape = list(spec.shape[1:])

    def __call__(self, images):
        return self.model.serve(images).numpy()


class KerasRunner:
    """A `.keras` file on this process's Keras backend, compiled as Keras compiles it."""

    def __init__(self, path):
        self.model = keras.saving.load_model(path, compile=False)
        self.image_shape = list(self.model.input_shape[1:])

    def __call__(self, images):
        return self.model.predict_on_batch(images)


def load_runner(path, threads=1):
    """The artifact at `path` as a function, with the `image_shape` that it takes.

    Args:
        path: of a `.tflite` or `.keras` file or a SavedModel folder.
        threads: of the LiteRT interpreter; the other runtimes go by their process.

    Raises:
        ValueError: if there is no such artifact.
    """
    path = Path(path)
    if path.suffix == ".tflite" and path.is_file():
        return LiteRTRunner(path, threads)
    if path.suffix == ".keras" and path.is_file():
        return KerasRunner(path)
    if (path / "saved_model.pb").is_file():
        return SavedModelRunner(path)
    raise ValueError(
        "An artifact must be a .tflite or .keras file or a SavedModel folder. "
        f"Received: path={str(path)!r}"
    )
