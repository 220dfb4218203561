"""Conversion under TensorFlow: in this process, or in a child where Keras runs on another."""

import importlib.util
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import keras

from cctzoo.child_process import run_module
from cctzoo.export.report import ExportError
from cctzoo.export.runtime import import_openvino
from cctzoo.models import CCT, SoftCommittee

# Packages that Keras' own export needs beside TensorFlow; the extras are named like the formats.
NEEDED = {"onnx": ("tf2onnx", "onnx"), "openvino": ("openvino",)}


def convert(model, path, kind, batch=None):
    """Writes `model` to `path`.

    Args:
        model: a `CCT` or `SoftCommittee` in float32, see `in_float32`.
        path: of the artifact; nothing may be there.
        kind: `"litert"`, `"saved_model"`, `"onnx"` or `"openvino"`.
        batch: static batch of the graph; None for a dynamic one.

    Raises:
        ModuleNotFoundError: without TensorFlow or the format's own package.
        ExportError: if the conversion fails, is killed or cannot be written.
    """
    for package in ("tensorflow", *NEEDED.get(kind, ())):
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(
                f"Export to {kind} needs {package}, whatever the backend: "
                f"pip install 'cctzoo[{kind if kind in NEEDED else 'export'}]'"
            )
    try:
        if keras.backend.backend() == "tensorflow":
            convert_here(model, path, kind, batch)
            return
        # Neither JAX nor PyTorch has a route of its own to every format; this one serves both.
        with tempfile.TemporaryDirectory() as folder:
            saved = Path(folder, "model.keras")
            model.save(saved)
            run_module(__name__, saved, path, kind, batch or 0, KERAS_BACKEND="tensorflow")
    except Exception as error:  # each converter has errors of its own
        folder = Path(path).parents[1]  # the draft's is the hidden one
        free = shutil.disk_usage(folder).free / 1e6
        raise ExportError(
            f"The conversion to {kind} failed, with {free:.1f} MB free in {str(folder)!r}: {error}"
        ) from error


def in_float32(model):
    """The model, or a copy of it where its policy is another.

    Raises:
        ValueError: if `model` is no `CCT` or `SoftCommittee`, or was quantised by Keras.
    """
    if not isinstance(model, CCT | SoftCommittee):
        raise ValueError(
            f"`model` must be a cctzoo.models.CCT or SoftCommittee. Received: model={model!r}"
        )
    if any(layer.quantization_mode for layer in model._flatten_layers()):
        raise ValueError(
            "A model that Keras has quantised cannot be exported: export it unquantised and "
            'choose a `precision`, e.g. "dynamic_int8". '
            f"Received: model.name={model.name!r}, quantised"
        )
    if isinstance(model, SoftCommittee):
        members = [in_float32(member) for member in model.members]
        config = model.config
        return SoftCommittee(
            members, config.average, config.weights, config.classifier_activation, model.name
        )
    if model.dtype_policy.name == "float32":
        return model
    copy = CCT(model.config, name=model.name, dtype="float32")
    copy.set_weights(model.get_weights())
    return copy


def convert_here(model, path, kind, batch):
    """`convert` of a float32 model where Keras runs on TensorFlow."""
    shape = (batch, *model.input_shape[1:])
    if kind == "saved_model":
        _saved_model(model, path, shape)
        return
    if kind == "openvino":
        import_openvino()
    signature = [keras.InputSpec(shape=shape, dtype="float32", name="image")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of Keras' tf2onnx route about NumPy
        model.export(str(path), format=kind, input_signature=signature, verbose=False)


def _saved_model(model, path, shape):
    """Two endpoints: `serving_default` takes uint8 if the model normalises, `serve` float32."""
    import tensorflow as tf

    # The variables come with the endpoints; `archive.track` would store each a second time.
    archive = keras.export.ExportArchive()
    floats = tf.TensorSpec(shape, tf.float32, name="image")
    archive.add_endpoint("serve", lambda image: model(image, training=False), [floats])
    if model.config.include_preprocessing:
        integers = tf.TensorSpec(shape, tf.uint8, name="image")
        archive.add_endpoint(
            "serving_default",
            lambda image: model(tf.cast(image, tf.float32), training=False),
            [integers],
        )
    archive.write_out(str(path), verbose=False)


if __name__ == "__main__":
    source, target, chosen, size = sys.argv[1:]
    loaded = keras.saving.load_model(source, compile=False)
    convert_here(loaded, target, chosen, int(size) or None)
