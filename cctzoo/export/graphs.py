"""Export to ONNX and to OpenVINO."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from cctzoo.arguments import checked_arguments
from cctzoo.export import artifact
from cctzoo.export.convert import convert, in_float32
from cctzoo.export.report import ExportReport, check_samples, compare, require_parity
from cctzoo.formats.atomic import atomic_file
from cctzoo.messages import received
from cctzoo.runtimes import OnnxRunner, OpenVINORunner
from cctzoo.typing import PathLike


@checked_arguments
def to_onnx(
    model: keras.Model,
    path: PathLike,
    batch: int | None = 1,
    samples: Any = None,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
) -> ExportReport:
    """Writes a model as ONNX in float32, runs it by ONNX Runtime, and compares it with Keras.

    PyTorch converts if it is Keras' backend and onnxscript is installed, and TensorFlow otherwise.
    The class names, and the preprocessing and view or the vocabulary, are stored in the file's
    metadata under `cctzoo`, and with the report in `model.onnx.json` next to the file.

    Args:
        model: a `CCT` or a `SoftCommittee`, on any backend; or a functional Keras model with one
            input and one output that holds one, e.g. with a head of its own, or its layers.
        path: path of the file, ending in `.onnx`; an existing file is replaced.
        batch: images or texts per run; None for any number.
        samples, labels, class_names: as in `to_litert`.

    Raises:
        ValueError: if an argument is invalid.
        PermissionError: if the folder is not writable.
        ModuleNotFoundError: if no converter is installed, or a package of the format is not.
        ExportError: if the conversion fails, or an output is further from Keras' than rounding
            explains.
    """
    return _to_graph(model, path, "onnx", batch, samples, labels, class_names)


@checked_arguments
def to_openvino(
    model: keras.Model,
    path: PathLike,
    batch: int | None = 1,  # None for any number
    samples: Any = None,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
) -> ExportReport:
    """Writes a model for OpenVINO in float32, runs it, and compares it with Keras.

    Writes three files: `model.xml`, its weights `model.bin`, and `model.xml.json` with the class
    names, the preprocessing and view or the vocabulary, and the report. On CPUs that support
    bfloat16, OpenVINO uses it by default, and outputs differ by some hundredths; the comparison
    sets float32.

    Args and errors are those of `to_onnx`; `path` ends in `.xml`.
    """
    return _to_graph(model, path, "openvino", batch, samples, labels, class_names)


def _to_graph(model, path, kind, batch, samples, labels, class_names):
    suffix, runner = {"onnx": (".onnx", OnnxRunner), "openvino": (".xml", OpenVINORunner)}[kind]
    path = artifact.check_path(path, suffix)
    if batch is not None and (not isinstance(batch, int) or batch < 1):
        raise ValueError(f"`batch` must be a positive integer or None. {received(batch=batch)}")
    model = in_float32(model)
    metadata = artifact.metadata(model, class_names)
    x, y = check_samples(model, samples, labels, batch or 1)
    with atomic_file(path) as draft:
        convert(model, draft, kind, batch)
        if kind == "onnx":
            _embed_in_onnx(draft, metadata)
        run = runner(draft)
        report = ExportReport(
            path=str(path),
            format=kind,
            precision="float32",
            bytes=sum(file.stat().st_size for file in draft.parent.iterdir()),
            operators=run.operators(),
            **compare(model, run, x, y, real=samples is not None),
        )
        require_parity(report)
        artifact.write_metadata(Path(f"{draft}.json"), metadata, report)
    return report


def _embed_in_onnx(path, metadata):
    import onnx

    graph = onnx.load(path)
    graph.metadata_props.add(key="cctzoo", value=json.dumps(metadata))
    onnx.save(graph, path)
