"""Exports every model of the zoo to ONNX or OpenVINO, and compares it with Keras.

    KERAS_BACKEND=torch python -m tests.export.families
    KERAS_BACKEND=torch python -m tests.export.families --format openvino --models "text_*"

Prints a line per model: the largest difference from Keras of a static batch of 1 and of a dynamic
batch with 1 and 5 samples, the number of operators, and the seconds of both exports. Takes about
half an hour; the exit code is 1 if a difference is above 1e-4 or an export fails.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from cctzoo import export, models
from cctzoo.export.inputs import noise, randomise_vectors
from cctzoo.runtimes import load_runner

FORMATS = {"onnx": (export.to_onnx, ".onnx"), "openvino": (export.to_openvino, ".xml")}
MOST = 1e-4


def main(kind: str, pattern: str) -> int:
    print("TensorFlow is imported" if "tensorflow" in sys.modules else "TensorFlow is not imported")
    builders = {name: lambda name=name: build(name) for name in models.list_models(pattern)}
    builders["soft_committee"] = lambda: models.soft_committee(
        [build("cct_2_3x2_32"), build("cct_2_3x2_32_sine")]
    )
    failed = 0
    print(f"{'model':<24}{'static 1':>10}{'any: 1':>10}{'any: 5':>10}{'operators':>11}{'s':>7}")
    for name, builder in builders.items():
        keras.utils.set_random_seed(0)
        start = time.perf_counter()
        try:
            differences, operators = check(builder(), kind)
        except export.ExportError as error:
            failed += 1
            print(f"{name:<24}{error}", flush=True)
            continue
        failed += not max(differences) <= MOST
        shown = "".join(f"{difference:>10.1e}" for difference in differences)
        seconds = time.perf_counter() - start
        print(f"{name:<24}{shown}{operators:>11}{seconds:>7.1f}", flush=True)
    return 1 if failed else 0


def build(name):
    model = models.create_model(name)
    randomise_vectors(model)
    return model


def check(model, kind):
    """The differences, and the number of operators of the graph with a static batch."""
    function, suffix = FORMATS[kind]
    differences = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"model{suffix}")
        operators = sum(function(model, path, batch=1).operators.values())
        differences.append(difference(model, path, 1))
        function(model, path, batch=None)
        differences += [difference(model, path, count) for count in (1, 5)]
    return differences, operators


def difference(model, path, count):
    x = noise(model, count)
    return float(np.abs(load_runner(path)(x) - model.predict(x, verbose=0)).max())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--format", choices=FORMATS, default="onnx")
    parser.add_argument("--models", default="*", help="a pattern of names")
    options = parser.parse_args()
    sys.exit(main(options.format, options.models))
