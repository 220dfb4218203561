"""A model without GELU: few operators, and the outputs of Keras."""

import pytest

from cctzoo import export
from cctzoo.export.inputs import randomise_vectors
from cctzoo.export.litert import PRECISIONS
from tests.export.sample import convert_once, once
from tests.models.small import images, small_model


def quick_model():
    model = small_model(activation="quick_gelu", depth=1, heads=2, classifier_activation=None)
    randomise_vectors(model)
    return model


@once
def test_litert_is_one_partition(tmp_path, monkeypatch):
    model = quick_model()
    convert_once(monkeypatch, tmp_path / "graph.tflite")
    for precision in PRECISIONS:
        path = tmp_path / f"{precision}.tflite"
        report = export.to_litert(model, path, precision, calibration=images(model, 20))
        assert report.partitions == 1, precision
        assert report.operators["LOGISTIC"] == 1, precision
        assert report.max_difference <= (1e-5 if precision == "float32" else 0.1), precision
    blocks, norms = 1, 3  # x * sigmoid(1.702 x) is two products
    float32 = export.to_litert(model, tmp_path / "float32.tflite").operators
    assert float32["MUL"] == 1 + blocks + 2 * norms + 2 * blocks
    assert not {"GELU", "ERF"} & float32.keys()


@once
def test_saved_model(tmp_path):
    assert export.to_saved_model(quick_model(), tmp_path / "saved").max_difference <= 1e-5


@pytest.mark.one_backend("torch")
def test_onnx(tmp_path):
    report = export.to_onnx(quick_model(), tmp_path / "model.onnx")
    assert report.max_difference <= 1e-5
    assert report.operators["Sigmoid"] == 1
