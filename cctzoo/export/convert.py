"""Conversion under TensorFlow: in this process, or in a child where Keras runs on another."""

import importlib.util
import sys
import tempfile
from pathlib import Path

import keras

from cctzoo.child_process import run_module


def convert(model, path, kind, batch=None):
    """Writes `model` to `path` as `"saved_model"`, or as LiteRT of a precision.

    Args:
        model: a `CCT`.
        path: of the artifact; nothing may be there.
        kind: `"saved_model"`, `"float32"` or `"dynamic_int8"`.
        batch: static batch of the graph; None for a dynamic one.

    Raises:
        ModuleNotFoundError: without TensorFlow.
        RuntimeError: if the child process fails, with its own words.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise ModuleNotFoundError(
            "Export needs TensorFlow, whatever the backend: pip install 'cctzoo[export]'"
        )
    if keras.backend.backend() == "tensorflow":
        convert_here(model, path, kind, batch)
        return
    # Neither JAX nor PyTorch has a route of its own to every format; this one serves both.
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "model.keras")
        model.save(saved)
        run_module(__name__, saved, path, kind, batch or 0, KERAS_BACKEND="tensorflow")


def convert_here(model, path, kind, batch):
    """`convert` where Keras runs on TensorFlow."""
    import tensorflow as tf

    spec = [keras.InputSpec(shape=(batch, *model.input_shape[1:]), dtype="float32")]
    if kind == "saved_model":
        model.export(path, format="tf_saved_model", input_signature=spec, verbose=False)
        return
    options = {"optimizations": [tf.lite.Optimize.DEFAULT]} if kind == "dynamic_int8" else {}
    model.export(path, format="litert", input_signature=spec, verbose=False, **options)


if __name__ == "__main__":
    source, target, chosen, size = sys.argv[1:]
    loaded = keras.saving.load_model(source, compile=False)
    convert_here(loaded, target, chosen, int(size) or None)
