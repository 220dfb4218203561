"""Conversion under TensorFlow: in this process, or in a child where Keras runs on another."""

import functools
import importlib.util
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import keras

from cctzoo.child_process import run_module
from cctzoo.export.inputs import takes_texts
from cctzoo.export.report import ExportError
from cctzoo.models import CCT, SoftCommittee, is_quantised
from cctzoo.models.vocabulary import PADDING, SEPARATORS, SINGLES, UNKNOWN
from cctzoo.runtimes import import_openvino

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
    if is_quantised(model):
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
        if takes_texts(model):
            _saved_model_of_texts(model, path, shape)
        else:
            _saved_model_of_images(model, path, shape)
        return
    if kind == "openvino":
        import_openvino()
    (inputs,) = model.inputs  # `image` in float32, or `ids` in int32
    signature = [keras.InputSpec(shape=shape, dtype=inputs.dtype, name=inputs.name)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of Keras' tf2onnx route about NumPy
        model.export(str(path), format=kind, input_signature=signature, verbose=False)


def _saved_model_of_images(model, path, shape):
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


def _saved_model_of_texts(model, path, shape):
    """`serve` takes ids; if the model knows its words, `serving_default` and `ids` take texts."""
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    integers = tf.TensorSpec(shape, tf.int32, name="ids")
    archive.add_endpoint("serve", lambda ids: model(ids, training=False), [integers])
    if model.config.vocabulary is not None:
        vocabulary = model.vocabulary
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(vocabulary.words), tf.range(2, len(vocabulary), dtype=tf.int32)
            ),
            default_value=UNKNOWN,
        )
        archive.track(table)
        texts = tf.TensorSpec(shape[:1], tf.string, name="text")
        tokenise = functools.partial(_ids, table=table, length=vocabulary.length)
        archive.add_endpoint("ids", lambda text: tokenise(text), [texts])
        archive.add_endpoint(
            "serving_default", lambda text: model(tokenise(text), training=False), [texts]
        )
    archive.write_out(str(path), verbose=False)


def _ids(text, table, length):
    """What `Vocabulary` does, in a TensorFlow graph: (B,) strings -> (B, length) int32."""
    import tensorflow as tf

    text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8")  # bytes that are none: U+FFFD
    text = tf.strings.regex_replace(text, f"[{SINGLES}]", r" \0 ")
    text = tf.strings.regex_replace(text, f"[{SEPARATORS}]", " ")
    words = tf.strings.split(tf.strings.lower(text, "utf-8"))  # ragged
    ids = tf.ragged.map_flat_values(table.lookup, words)
    return ids.to_tensor(PADDING, shape=(None, length))


if __name__ == "__main__":
    source, target, chosen, size = sys.argv[1:]
    loaded = keras.saving.load_model(source, compile=False)
    convert_here(loaded, target, chosen, int(size) or None)
