"""Latency, size and parity of models by format, timed alternately with one image or text.

    python recipes/benchmarks/latency.py                       (three models)
    python recipes/benchmarks/latency.py --models all --runs 30 --to latency
    python recipes/benchmarks/latency.py --models text_cct_2_k2 text_vit_2_k4
    python recipes/benchmarks/latency.py --models cct_conv --formats float32 onnx saved_model keras
    python recipes/benchmarks/latency.py --models cct_2_3x2_32.digits runs/MY_RUN model.keras
    python recipes/benchmarks/latency.py --files a.tflite b.onnx run/export/saved_model

Models are names, which get random weights (training changes neither time nor size), or runs, tags,
files and folders of trained weights. Formats are the precisions of LiteRT, saved_model, onnx,
openvino, and keras: the live model on this backend. `int8` is calibrated with images of
handwritten digits, or with docstrings. Ratios are to the first target.

Gives: docs/benchmarks/latency.md.
"""

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

from cctzoo import data, export, latency, models
from cctzoo.export.inputs import randomise_vectors
from cctzoo.export.litert import CALIBRATED, PRECISIONS
from cctzoo.formats.atomic import write_json
from cctzoo.runs import is_run, is_variant, open_model
from cctzoo.weights.source import locate_weights

FORMATS = (*PRECISIONS, "saved_model", "onnx", "openvino", "keras")


def main():
    options = parse_arguments()
    names = options.models
    if names == ["all"]:
        names = sorted(
            models.list_models(), key=lambda name: name != "cct_7_3x1_32"
        )  # the reference first
    with tempfile.TemporaryDirectory() as folder:
        targets = {str(path): path for path in options.files}
        reports = {}
        for number, name in enumerate([] if options.files else names):
            try:
                model = build(name, options.classes)
            except (ValueError, OSError) as error:
                sys.exit(f"latency.py: {error}")
            for chosen in options.formats:
                label = f"{name} {chosen}"
                path = Path(folder, f"{number} {chosen}")
                try:
                    targets[label], reports[label] = make(model, chosen, path)
                except (export.ExportError, ModuleNotFoundError) as error:
                    reports[label] = str(error)
                print(reports[label], file=sys.stderr, flush=True)
            keras.utils.clear_session()
        timed = latency.measure(targets, options.threads, options.runs, in_a_row=options.in_a_row)
    print(timed)
    if reports:
        print(f"\n{table(names, options.formats, timed, reports)}")
    if options.to:
        options.to.mkdir(parents=True, exist_ok=True)
        timed.save(options.to / "latency.json")
        timed.plot(options.to / "latency.png")
        exported = {
            label: dataclasses.asdict(report) if dataclasses.is_dataclass(report) else report
            for label, report in reports.items()
        }
        write_json(options.to / "exports.json", exported)


def build(name, classes):
    """Returns the model of a name, with random weights and logits, or of trained weights."""
    if not is_variant(name):
        return open_model(name)
    model = models.create_model(name, classes=classes, classifier_activation=None)
    randomise_vectors(model)
    return model


def make(model, chosen, path):
    """(path of the artifact, its report) of a model in a format."""
    if chosen == "keras":
        path = path.with_suffix(".keras")
        model.save(path)
        return path, f"{model.name}: live on {keras.backend.backend()}"
    if chosen == "saved_model":
        return path, export.to_saved_model(model, path)
    if chosen in PRECISIONS:
        path = path.with_suffix(".tflite")
        real = docstrings if model.config.kind == "texts" else digits
        calibration = real(model.config) if chosen in CALIBRATED else None
        return path, export.to_litert(model, path, chosen, calibration=calibration)
    suffix, function = {
        "onnx": (".onnx", export.to_onnx),
        "openvino": (".xml", export.to_openvino),
    }[chosen]
    path = path.with_suffix(suffix)
    return path, function(model, path)


def digits(config):
    """A hundred images of handwritten digits in the size and channels of the model."""
    images = data.load("digits").x_train[:100]  # (100, height, width, 1)
    resized = keras.ops.image.resize(images.astype("float32"), config.input_shape[:2])
    return np.repeat(keras.ops.convert_to_numpy(resized), config.input_shape[2], axis=-1)


def docstrings(config):
    """A hundred docstrings of Python's library, as ids of a vocabulary of these docstrings."""
    texts = data.load("docstrings").x_train
    return models.Vocabulary.fit(texts, config.vocabulary_size, config.length)(texts[:100])


def table(names, formats, timed, reports):
    """Markdown: latency ratio, megabytes and largest difference from Keras' logits."""
    ratios = {row.name: row.ratio for row in timed.rows}
    lines = ["| model | " + " | ".join(formats) + " |", "|---" * (1 + len(formats)) + "|"]
    for name in names:
        cells = []
        for chosen in formats:
            label = f"{name} {chosen}"
            report = reports[label]
            if label not in ratios:
                cells.append(report)
            elif isinstance(report, str):
                cells.append(f"{ratios[label]:.3f}")
            else:
                difference = f"{report.max_difference:.0e}"
                cells.append(f"{ratios[label]:.3f}, {report.bytes / 1e6:.2f} MB, {difference}")
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    defaults = ["cct_7_3x1_32", "cct_lsmha", "cct_conv"]
    add("--models", nargs="+", default=defaults, metavar="MODEL", help="or all")
    add("--formats", nargs="+", default=list(PRECISIONS), choices=FORMATS)
    add("--files", nargs="+", default=[], type=Path, help="artifacts to time instead of models")
    add("--classes", type=int, default=100, help="classes of the models with random weights (100)")
    add("--threads", type=int, default=1)
    add("--runs", type=int, default=50, help="timed runs per target")
    add("--in-a-row", type=int, default=1, help="of these, runs that follow each other")
    add("--to", type=Path, help="folder for latency.json, latency.png and exports.json")
    options = parser.parse_args()
    try:
        for name in options.models if options.models != ["all"] else []:
            if is_variant(name):
                models.variant_config(name, classes=options.classes)
            elif not is_run(name):
                locate_weights(name, argument="models")
        for path in options.files:
            if not path.exists():
                raise ValueError(f"A file of --files must exist. Received: {str(path)!r}")
        for count in ("threads", "runs", "in_a_row"):
            if getattr(options, count) < 1:
                value = getattr(options, count)
                raise ValueError(
                    f"--{count.replace('_', '-')} must be at least 1. Received: {count}={value}"
                )
    except ValueError as error:
        parser.exit(2, f"latency.py: {error}\n")
    return options


if __name__ == "__main__":
    main()
