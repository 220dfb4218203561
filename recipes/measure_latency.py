"""Latency, size and parity of models by LiteRT precision, timed in turn, one image at a time.

    python recipes/measure_latency.py                       (three models)
    python recipes/measure_latency.py --models all --runs 30 --to latency

Weights are fresh: they change neither time nor size. `int8` is calibrated with images of
handwritten digits. The first model in float32 is 1.00. `recipes/README.md` has the whole
zoo's table, with machine and versions.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

from cctzoo import data, export, latency, models
from cctzoo.export.litert import PRECISIONS


def main():
    options = parse_arguments()
    names = options.models
    if names == ["all"]:
        names = sorted(models.list_models(), key=lambda name: name != "cct_7_3x1_32")  # it first
    with tempfile.TemporaryDirectory() as folder:
        targets, reports = {}, {}
        for name in names:
            model = models.create_model(name, classes=options.classes, classifier_activation=None)
            for precision in options.precisions:
                path = Path(folder, f"{name}_{precision}.tflite")
                label = f"{name} {precision}"
                try:
                    reports[label] = export.to_litert(
                        model,
                        path,
                        precision,
                        calibration=digits(model.config) if precision == "int8" else None,
                    )
                except export.ExportError as error:
                    reports[label] = str(error)
                else:
                    targets[label] = path
                print(reports[label], file=sys.stderr, flush=True)
            keras.utils.clear_session()
        timed = latency.measure(targets, options.threads, options.runs)
    print(f"{timed}\n\n{table(names, options.precisions, timed, reports)}")
    if options.to:
        options.to.mkdir(parents=True, exist_ok=True)
        timed.save(options.to / "latency.json")
        timed.plot(options.to / "latency.png")
        exported = {
            label: report if isinstance(report, str) else dataclasses.asdict(report)
            for label, report in reports.items()
        }
        (options.to / "exports.json").write_text(json.dumps(exported, indent=2) + "\n")


def digits(config):
    """A hundred images of handwritten digits in the size and channels of the model."""
    images = data.load("digits").x_train[:100]  # (100, height, width, 1)
    resized = keras.ops.image.resize(images.astype("float32"), config.input_shape[:2])
    return np.repeat(keras.ops.convert_to_numpy(resized), config.input_shape[2], axis=-1)


def table(names, precisions, timed, reports):
    """Markdown: latency ratio, megabytes and largest difference from Keras' logits."""
    ratios = {row.name: row.ratio for row in timed.rows}
    lines = ["| model | " + " | ".join(precisions) + " |", "|---" * (1 + len(precisions)) + "|"]
    for name in names:
        cells = []
        for precision in precisions:
            label = f"{name} {precision}"
            report = reports[label]
            if label in ratios:
                difference = f"{report.max_difference:.0e}"
                cells.append(f"{ratios[label]:.3f}, {report.bytes / 1e6:.2f} MB, {difference}")
            else:
                cells.append(report)
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    defaults = ["cct_7_3x1_32", "cct_lsmha", "cct_conv"]
    add("--models", nargs="+", default=defaults, metavar="NAME", help="or all")
    add("--precisions", nargs="+", default=list(PRECISIONS), choices=PRECISIONS)
    add("--classes", type=int, default=100)
    add("--threads", type=int, default=1)
    add("--runs", type=int, default=50, help="timed runs of each")
    add("--to", type=Path, help="folder for latency.json, latency.png and exports.json")
    options = parser.parse_args()
    try:
        for name in options.models if options.models != ["all"] else []:
            models.variant_config(name, classes=options.classes)
        for count in ("threads", "runs"):
            if getattr(options, count) < 1:
                value = getattr(options, count)
                raise ValueError(f"`{count}` must be at least 1. Received: {count}={value}")
    except ValueError as error:
        parser.exit(2, f"measure_latency.py: {error}\n")
    return options


if __name__ == "__main__":
    main()
