"""Model repositories of servers: TensorFlow Serving and NVIDIA Triton."""

import contextlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from cctzoo.arguments import checked_arguments
from cctzoo.export.artifact import check_writable, metadata
from cctzoo.export.convert import in_float32
from cctzoo.export.graphs import to_onnx
from cctzoo.export.report import ExportReport
from cctzoo.export.saved_model import to_saved_model
from cctzoo.formats.atomic import write_text
from cctzoo.messages import received
from cctzoo.runtimes import OnnxRunner
from cctzoo.typing import PathLike

# Part of a path and of an URL, and written into the servers' text files without escapes.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
TYPES = {"tensor(float)": "TYPE_FP32", "tensor(int32)": "TYPE_INT32", "tensor(int64)": "TYPE_INT64"}
MODELS = "/models"  # where TensorFlow Serving's image has the folder


@checked_arguments
def to_tensorflow_serving(
    model: keras.Model,
    folder: PathLike,
    name: str | None = None,
    version: int = 1,
    samples: Any = None,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
) -> ExportReport:
    """Writes a model into a folder that TensorFlow Serving serves, and checks it.

    The SavedModel becomes `NAME/VERSION`, with the signatures, the metadata and the checks of
    `to_saved_model`. `models.config` lists all models of the folder, which the server must see
    under `/models`. A running server loads a new version without a restart.

    Args:
        model: a `CCT` or a `SoftCommittee`, on any backend; or a functional Keras model with one
            input and one output that holds one, e.g. with a head of its own, or its layers.
        folder: folder of the served models, which is created; its parent must exist.
        name: name under which the model is served: letters, digits, `_`, `.` and `-`. Default:
            `model.name`.
        version: number from 1 on; an existing version is replaced.
        samples, labels, class_names: as in `to_litert`.

    Raises:
        ValueError: if an argument is invalid.
        PermissionError: if the folder is not writable.
        ExportError: if the conversion or a comparison with Keras fails, as for `to_saved_model`.
    """
    folder, name = _checked(model, folder, name, version)
    place = folder / name
    with _made(folder), _made(place):
        report = to_saved_model(model, place / str(version), samples, labels, class_names)
    served = sorted({path.parents[1].name for path in folder.glob("*/*/saved_model.pb")})
    entries = [
        f'  config {{ name: "{each}" base_path: "{MODELS}/{each}" model_platform: "tensorflow" }}\n'
        for each in served
        if NAME.fullmatch(each)
    ]
    write_text(folder / "models.config", f"model_config_list {{\n{''.join(entries)}}}\n")
    return report


@checked_arguments
def to_triton(
    model: keras.Model,
    folder: PathLike,
    name: str | None = None,
    version: int = 1,
    max_batch: int = 64,
    samples: Any = None,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
) -> ExportReport:
    """Writes a model into a model repository of NVIDIA Triton, and checks it.

    `NAME/VERSION/model.onnx` takes any number of samples, with the metadata and the checks of
    `to_onnx`. `NAME/config.pbtxt` names the input and the output with their shapes and lets the
    server join requests to batches. `NAME/labels.txt` has the class names, if there are any.

    Args:
        model, folder, name, version: as in `to_tensorflow_serving`.
        max_batch: samples that the server runs at a time at most.
        samples, labels, class_names: as in `to_litert`.

    Raises:
        ValueError: if an argument is invalid, or a class name has a line break.
        PermissionError: if the folder is not writable.
        ModuleNotFoundError: if no converter is installed, or a package of the format is not.
        ExportError: if the conversion or a comparison with Keras fails, as for `to_onnx`.
    """
    folder, name = _checked(model, folder, name, version)
    if max_batch < 1:
        raise ValueError(f"`max_batch` must be at least 1. {received(max_batch=max_batch)}")
    names = metadata(in_float32(model), class_names)["class_names"]
    if broken := [each for each in names or () if len(each.splitlines()) > 1]:
        raise ValueError(
            "Class names must have no line breaks, since labels.txt has one name per line. "
            f"{received(class_names=broken)}"
        )
    place = folder / name
    path = place / str(version) / "model.onnx"
    with _made(folder), _made(place), _made(path.parent):
        report = to_onnx(model, path, None, samples, labels, class_names)
    if names:
        write_text(place / "labels.txt", "".join(f"{each}\n" for each in names))
    write_text(place / "config.pbtxt", _triton_config(OnnxRunner(path), name, max_batch, names))
    return report


def _checked(model, folder, name, version):
    """(the folder, the name) if a version can be written there."""
    folder, name = Path(folder), model.name if name is None else name
    if not NAME.fullmatch(name):
        raise ValueError(
            "`name` must consist of letters, digits, `_`, `.` and `-`, since it is part of a path "
            f"and of the server's URL. {received(name=name)}"
        )
    if version < 1:
        raise ValueError(f"`version` must be at least 1. {received(version=version)}")
    if not folder.parent.is_dir() or (folder.exists() and not folder.is_dir()):
        raise ValueError(
            "`folder` must be a folder, or new in an existing one. "
            f"Received: folder={str(folder)!r}"
        )
    check_writable(folder if folder.exists() else folder.parent)
    return folder, name


@contextlib.contextmanager
def _made(folder):
    """Makes a folder, which is removed if the block fails and leaves nothing in it."""
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    try:
        yield
    except BaseException:
        if made and not any(folder.iterdir()):
            folder.rmdir()
        raise


def _triton_config(run, name, max_batch, names):
    """The text of `config.pbtxt`; the shapes are those without the batch."""
    (output,) = run.session.get_outputs()
    labels = ' label_filename: "labels.txt"' if names else ""
    return f"""\
name: "{name}"
backend: "onnxruntime"
max_batch_size: {max_batch}
input [ {{ {_tensor(run.input)} }} ]
output [ {{ {_tensor(output)}{labels} }} ]
dynamic_batching {{ }}
"""


def _tensor(node):
    _, *shape = node.shape
    return f"name: {json.dumps(node.name)} data_type: {TYPES[node.type]} dims: {shape}"
