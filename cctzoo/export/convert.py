"""Conversion by PyTorch, or by TensorFlow: in this process, or in a child for other backends."""

import functools
import shutil
import warnings
from pathlib import Path
from typing import Any

import keras

from cctzoo.child_process import run_module
from cctzoo.export.custom import CustomModel, Exportable
from cctzoo.export.from_torch import convert_from_torch
from cctzoo.export.report import ExportError
from cctzoo.formats.atomic import temporary_folder
from cctzoo.layers.attention.grouped import scaled_groups
from cctzoo.models import CCT, SoftCommittee, is_quantised
from cctzoo.models.head_maps import head_maps
from cctzoo.models.vocabulary import PADDING, SEPARATORS, SINGLES, UNKNOWN
from cctzoo.optional_packages import missing, require
from cctzoo.runtimes import import_openvino
from cctzoo.typing import PathLike

# Packages, in addition to those of a converter, for reading and running the result.
PACKAGES = {
    "litert": ("ai_edge_litert",),
    "onnx": ("onnx", "onnxruntime"),
    "openvino": ("openvino",),
}
FROM_TORCH = ("onnx", "openvino")


def check_converter(kind: str) -> None:
    """Raises ModuleNotFoundError unless the packages of a converter to the format are installed.

    PyTorch converts to ONNX and OpenVINO if it is Keras' backend and onnxscript is installed.
    TensorFlow converts to every format with every backend.

    Args:
        kind: as in `convert`.
    """
    if kind not in FROM_TORCH:
        packages = ("tensorflow", *PACKAGES.get(kind, ()))
        require(*packages, extra="export", purpose=f"Export to {kind}, with every backend,")
        return
    by_tensorflow = ("tensorflow", "tf2onnx") if kind == "onnx" else ("tensorflow",)
    if not is_from_torch(kind) and missing(*by_tensorflow):
        raise ModuleNotFoundError(
            f"Export to {kind} needs either Keras' backend torch and onnxscript: pip install "
            f"'cctzoo[torch,{kind}]', or, with every backend, {' and '.join(by_tensorflow)}: "
            f"pip install 'cctzoo[{kind},{by_tensorflow[-1]}]'. Received: backend "
            f"{keras.backend.backend()}, without "
            f"{', '.join(missing('onnxscript', *by_tensorflow))}",
            name=missing(*by_tensorflow)[0],
        )
    require(*PACKAGES[kind], extra=kind, purpose=f"Export to {kind}")


def is_from_torch(kind: str) -> bool:
    """Whether `convert` has PyTorch convert a model, and not TensorFlow."""
    return kind in FROM_TORCH and keras.backend.backend() == "torch" and not missing("onnxscript")


def convert(
    model: Exportable,
    path: PathLike,
    kind: str,
    batch: int | None = None,
    group_scale: float = 1.0,
    maps: bool = False,
) -> None:
    """Writes `model` to `path`.

    Args:
        model: a model in float32, see `in_float32`.
        path: path of the draft of `atomic_file` or `atomic_folder`.
        kind: `"litert"`, `"saved_model"`, `"onnx"` or `"openvino"`.
        batch: static batch size of the graph; None for a dynamic one.
        group_scale: of TensorFlow's conversion, see `layers.attention.grouped.scaled_groups`.
        maps: whether to write `head_maps` of the model in its place.

    Raises:
        ModuleNotFoundError: if no converter or not the format's package is installed.
        ExportError: if the conversion fails, is killed or cannot be written.
    """
    check_converter(kind)
    converter = "PyTorch" if is_from_torch(kind) else "TensorFlow"
    try:
        if converter == "PyTorch":
            convert_from_torch(head_maps(model) if maps else model, path, kind, batch)
            return
        if keras.backend.backend() == "tensorflow":
            convert_here(model, path, kind, batch, group_scale, maps)
            return
        with temporary_folder() as folder:
            saved = folder / "model.keras"
            (model.plain() if isinstance(model, CustomModel) else model).save(saved)
            run_module(
                "cctzoo._workers.convert_model",
                saved,
                path,
                kind,
                batch or 0,
                group_scale,
                int(maps),
                KERAS_BACKEND="tensorflow",
                TMPDIR=str(folder),  # of the converters, which would leave theirs after a kill
            )
    except Exception as error:  # converters raise errors of many types
        folder = Path(path).parents[1]  # the draft's parent is the hidden folder
        free = shutil.disk_usage(folder).free / 1e6
        cause = error.__cause__ or error  # PyTorch's own error says which step failed, not why
        raise ExportError(
            f"The conversion to {kind} by {converter} failed, with {free:.1f} MB free in "
            f"{str(folder)!r}: {type(cause).__name__}: {cause}"
        ) from error


def in_float32(model: Any) -> Exportable:
    """Returns the model, or a float32 copy if the model has another dtype policy.

    Another Keras model that holds a zoo model, or its layers, becomes a `CustomModel`.

    Raises:
        ValueError: if `model` is another one, or was quantised by Keras.
    """
    if not isinstance(model, Exportable):
        model = CustomModel(model)
    if is_quantised(model):
        raise ValueError(
            "A model that Keras quantised cannot be exported. Export the unquantised model with "
            'a `precision`, e.g. "dynamic_int8". '
            f"Received: model.name={model.name!r}, quantised"
        )
    if isinstance(model, SoftCommittee):
        members = [in_float32(member) for member in model.members]
        config = model.config
        return SoftCommittee(
            members, config.average, config.weights, config.classifier_activation, model.name
        )
    if isinstance(model, CustomModel) or model.dtype_policy.name == "float32":
        return model
    copy = CCT(model.config, name=model.name, dtype="float32")
    copy.set_weights(model.get_weights())
    return copy


def convert_here(
    model: Exportable,
    path: PathLike,
    kind: str,
    batch: int | None,
    group_scale: float,
    maps: bool = False,
) -> None:
    """Does the work of `convert` in this process, in which Keras runs on TensorFlow."""
    with scaled_groups(group_scale):
        _convert_here(head_maps(model) if maps else model, path, kind, batch)


def _convert_here(model, path, kind, batch):
    shape = (batch, *model.input_shape[1:])
    if kind == "saved_model":
        write = _save_text_model if model.config.kind == "texts" else _save_image_model
        write(model, path, shape)
        return
    if kind == "openvino":
        import_openvino()
    (inputs,) = model.inputs  # `image` float32, or `ids` int32
    signature = [keras.InputSpec(shape=shape, dtype=inputs.dtype, name=inputs.name)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # tf2onnx, about NumPy
        model.export(str(path), format=kind, input_signature=signature, verbose=False)


def _save_image_model(model, path, shape):
    """Writes `serve` (float32), and `serving_default` (uint8) if the model normalises."""
    import tensorflow as tf

    # The endpoints bring the variables along; `archive.track` would store each a second time.
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


def _save_text_model(model, path, shape):
    """Writes `serve` (ids); with a vocabulary also `serving_default` and `ids` (texts)."""
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
    """`Vocabulary` as a TensorFlow graph: (B,) strings -> (B, length) int32."""
    import tensorflow as tf

    text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8")  # invalid bytes become U+FFFD
    text = tf.strings.regex_replace(text, f"[{SINGLES}]", r" \0 ")
    text = tf.strings.regex_replace(text, f"[{SEPARATORS}]", " ")
    words = tf.strings.split(tf.strings.lower(text, "utf-8"))  # ragged
    ids = tf.ragged.map_flat_values(table.lookup, words)
    return ids.to_tensor(PADDING, shape=(None, length))
