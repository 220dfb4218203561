"""TensorFlow: SavedModels."""

import numpy as np

from cctzoo.formats.saved_model import check_operators
from cctzoo.optional_packages import require
from cctzoo.runtimes.runner import checked
from cctzoo.typing import Array, PathLike


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
        samples = checked(samples, self.sample_shape).astype(self.dtype)
        (output,) = self.serve(**{self.name: self.constant(samples)}).values()
        return output.numpy()
