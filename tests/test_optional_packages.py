"""What is missing is named, with the extra that installs it, before any work."""

import sys

import numpy as np
import pytest

from cctzoo import analysis, delivery, export, training
from cctzoo.data.sources.digits import load_digits
from tests.models.small import small_model
from tests.training.few import few_digits

pytestmark = pytest.mark.one_backend("torch")  # TensorFlow can be hidden


@pytest.fixture(scope="module")
def model():
    return small_model()


def export_as(function, name, **options):
    return lambda model, folder: function(model, folder / name, **options)


def probe(model, folder):
    part = np.zeros((5, 12, 16, 3)), np.arange(5)
    analysis.single_head_performance(model, part, part)


def train(model, folder, **options):
    training.train(few_digits(), folder / "run", **options)


LITERT = export_as(export.to_litert, "model.tflite")


@pytest.mark.parametrize(
    ("package", "call", "message"),
    [
        ("matplotlib", train, r"needs matplotlib: pip install 'cctzoo\[recipes\]'"),
        (
            "tensorboard",
            lambda model, folder: train(model, folder, tensorboard=True),
            r"needs tensorboard: pip install 'cctzoo\[tune\]'",
        ),
        ("sklearn", lambda *_: load_digits(), r"scikit-learn: pip install 'cctzoo\[recipes\]'"),
        ("scipy", probe, r"needs scipy: pip install 'cctzoo\[recipes\]'"),
        (
            "tflite_micro",
            lambda _, folder: export.to_microcontroller(
                small_model(activation="relu"), folder / "firmware"
            ),
            r"needs tflite-micro: pip install 'cctzoo\[micro\]'",
        ),
        ("tensorflow", LITERT, r"needs tensorflow: pip install 'cctzoo\[export\]'"),
        ("ai_edge_litert", LITERT, r"needs ai-edge-litert: pip install 'cctzoo\[export\]'"),
        (
            "ai_edge_quantizer",
            export_as(export.to_litert, "model.tflite", precision="dynamic_int8"),
            r"needs ai-edge-quantizer: pip install 'cctzoo\[export\]'",
        ),
        (
            "onnxruntime",
            export_as(export.to_onnx, "model.onnx"),
            r"needs onnxruntime: pip install 'cctzoo\[onnx\]'",
        ),
        (
            "openvino",
            export_as(export.to_openvino, "model.xml"),
            r"needs openvino: pip install 'cctzoo\[openvino\]'",
        ),
        ("ai_edge_quantizer", lambda *_: delivery.check_delivery(), "ai-edge-quantizer"),
        ("tensorflow", lambda *_: delivery.check_delivery(), "tensorflow"),
    ],
)
def test_a_missing_package_is_named_before_any_work(
    model, tmp_path, monkeypatch, package, call, message
):
    monkeypatch.setattr(training.Recipe, "load_data", None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=message):
        call(model, tmp_path)
    assert not any(tmp_path.iterdir())
