"""Export to ONNX and to OpenVINO."""

import json
from pathlib import Path

from cctzoo.export import artifact
from cctzoo.export.convert import convert, in_float32
from cctzoo.export.report import ExportReport, check_samples, compare, require_parity
from cctzoo.formats.atomic import atomic_file
from cctzoo.runtimes import OnnxRunner, OpenVINORunner


def to_onnx(model, path, batch=1, samples=None, labels=None, class_names=None):
    """Writes a model as ONNX in float32, runs it under ONNX Runtime, compares it with Keras.

    Class names and preprocessing, or words, are in the file's metadata under `cctzoo` and,
    with the report, in `model.onnx.json` beside it.

    Args:
        model: a `CCT` or `SoftCommittee`, on any backend.
        path: of the file, ending in `.onnx`; a file that is there is replaced.
        batch: images or texts per run; None for any number.
        samples, labels, class_names: as in `to_litert`.

    Returns:
        An `ExportReport`.

    Raises:
        ValueError: for a wrong argument.
        PermissionError: if the folder is not writable.
        ExportError: if the conversion fails, or it differs from Keras by more than 1e-4.
    """
    return _to_graph(model, path, "onnx", batch, samples, labels, class_names)


def to_openvino(model, path, batch=1, samples=None, labels=None, class_names=None):
    """Writes a model for OpenVINO in float32, runs it there, and compares it with Keras.

    Three files: `model.xml`, its weights `model.bin`, and `model.xml.json` with class names,
    preprocessing or words, and report. OpenVINO computes in bfloat16 of its own accord where
    a CPU can, with differences of some hundredths; the comparison asks it for float32.

    Args, returns, raises: as `to_onnx`, with a path that ends in `.xml`.
    """
    return _to_graph(model, path, "openvino", batch, samples, labels, class_names)


def _to_graph(model, path, kind, batch, samples, labels, class_names):
    suffix, runner = {"onnx": (".onnx", OnnxRunner), "openvino": (".xml", OpenVINORunner)}[kind]
    path = artifact.check_path(path, suffix)
    if batch is not None and (not isinstance(batch, int) or batch < 1):
        raise ValueError(f"`batch` must be a positive integer or None. Received: batch={batch!r}")
    model = in_float32(model)
    description = artifact.describe(model, class_names)
    x, y = check_samples(model, samples, labels, batch or 1)
    with atomic_file(path) as draft:
        convert(model, draft, kind, batch)
        if kind == "onnx":
            _embed_in_onnx(draft, description)
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
        artifact.write_description(Path(f"{draft}.json"), description, report)
    return report


def _embed_in_onnx(path, description):
    import onnx

    graph = onnx.load(path)
    graph.metadata_props.add(key="cctzoo", value=json.dumps(description))
    onnx.save(graph, path)
