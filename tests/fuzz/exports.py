"""Checks of one model's exports: each gives the outputs of the Keras model."""

import logging
import random
from pathlib import Path

import numpy as np

from cctzoo import export
from cctzoo.export.convert import in_float32
from cctzoo.models import CCT, SoftCommittee
from cctzoo.runtimes import load_runner
from tests.fuzz.cases import Fault
from tests.fuzz.round_trips import inputs, outputs

SAMPLES = 16


def check_export(numbers: random.Random, model: CCT | SoftCommittee, folder: Path) -> None:
    """Exports a model to one or several formats, and compares all outputs.

    Args:
        numbers: random numbers, which choose the formats.
        model: the model.
        folder: where files may be written.
    """
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    x = inputs(model, SAMPLES)
    expected = outputs(in_float32(model), x)
    scale = max(1, np.abs(expected).max())
    formats = {
        "model.tflite": lambda path: export.to_litert(model, path),
        "int8.tflite": lambda path: export.to_litert(model, path, "dynamic_int8"),
        "saved_model": lambda path: export.to_saved_model(model, path),
        "model.onnx": lambda path: export.to_onnx(model, path),
    }
    for name in numbers.sample(sorted(formats), 2):
        report = formats[name](folder / name)
        run = load_runner(folder / name)
        found = np.concatenate([np.asarray(run(each[None]), "float64") for each in x])
        difference = np.abs(found - expected).max()
        most = 0.5 * scale if report.precision == "dynamic_int8" else 2e-4 * scale
        if found.shape != expected.shape or not difference <= most:
            raise Fault(f"{name} differs by {difference:.2g}, shape {found.shape}")
        if report.partitions not in (None, 1):
            raise Fault(f"{name} has {report.partitions} partitions")
