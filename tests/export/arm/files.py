"""Exports of one model in several precisions, from one conversion."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import pytest

from cctzoo import export
from cctzoo.export.litert import CALIBRATED
from tests.export.sample import convert_once


def in_precisions(
    model: keras.Model, folder: Path, name: str, calibration: Any, precisions: Sequence[str]
) -> Iterator[Path]:
    """Yields the path `NAME-PRECISION.tflite` of each export."""
    graph = folder / f"{name}.tflite"
    graph.unlink(missing_ok=True)  # of an earlier run, which may have had another model
    with pytest.MonkeyPatch.context() as patch:
        convert_once(patch, graph)
        for precision in precisions:
            path = folder / f"{name}-{precision}.tflite"
            given = calibration if precision in CALIBRATED else None
            export.to_litert(model, path, precision, calibration=given, least_agreement=0)
            yield path
