"""Every kind of model is one partition and gives what Keras gives."""

import json

import numpy as np
import pytest

from cctzoo import data, export, models, training
from cctzoo.export.litert import PRECISIONS
from cctzoo.export.quantization import calibration_batches
from cctzoo.runtimes import load_runner
from tests.export.sample import convert_once, once

pytestmark = once


@pytest.mark.parametrize(
    "name",
    ["cct_7_3x1_32", "cct_lsmha", "cct_conv", "cct_2_3x2_32_sine", "cvt_2_4_32", "vit_2_4_32"],
)
def test_the_zoo_is_one_partition(name, tmp_path):
    report = export.to_litert(models.create_model(name), tmp_path / "model.tflite")
    assert report.partitions == 1
    assert report.max_difference <= 1e-4


def test_a_group_of_heads_is_finished_before_the_next(tmp_path):
    """In the converter's order of operators; else the scores of all heads are held at once."""
    model = models.create_model("cct_7_3x1_32", heads=64, depth=3)
    export.to_litert(model, tmp_path / "model.tflite")
    interpreter = load_runner(tmp_path / "model.tflite").interpreter
    shapes = {tensor["index"]: tensor["shape"] for tensor in interpreter.get_tensor_details()}
    held, most = 0, 0
    for operator in interpreter._get_ops_details():
        if operator["op_name"] == "BATCH_MATMUL":
            rows = shapes[operator["outputs"][0]][-2]
            held += 1 if rows == 256 else -1  # scores (256, 256), or averages (4, 256)
            most = max(most, held)
    assert most <= 2


def test_depthwise_prefix(tmp_path, images, monkeypatch):
    model = models.create_model(
        "cct_4_3x1_32", input_shape=(16, 12, 3), conv_prefix=2, prefix_kind="depthwise", classes=7
    )
    convert_once(monkeypatch, tmp_path / "graph.tflite")
    for precision in PRECISIONS:
        path = tmp_path / f"{precision}.tflite"
        report = export.to_litert(model, path, precision, calibration=images)
        assert report.partitions == 1, precision
        assert report.operators["DEPTHWISE_CONV_2D"] == 2, precision
        assert report.max_difference <= 0.05, precision


def test_mixed_precision_and_no_preprocessing(tmp_path):
    """Exported in float32; the caller normalises, so there is no uint8 signature."""
    model = models.create_model(
        "cct_2_3x2_32", input_shape=(16, 16, 1), include_preprocessing=False, dtype="mixed_bfloat16"
    )
    report = export.to_litert(model, tmp_path / "model.tflite")
    assert report.max_difference <= 1e-5
    export.to_saved_model(model, tmp_path / "saved")
    assert load_runner(tmp_path / "saved").dtype == np.float32
    about = json.loads((tmp_path / "model.tflite.json").read_text())
    assert about["input"]["values"] == "(value / 255 - mean) / std"
    assert about["output"] == "probabilities"


def test_without_top(tmp_path):
    model = models.create_model("cct_2_3x2_32", input_shape=(16, 16, 1), include_top=False)
    report = export.to_litert(model, tmp_path / "model.tflite")
    assert report.max_difference <= 1e-4
    assert load_runner(tmp_path / "model.tflite")(np.zeros((1, 16, 16, 1))).shape == (1, 4, 4, 128)


def test_calibration_from_a_run_or_a_data_set(tmp_path):
    recipe = training.Recipe(changes={"conv_layers": 1})
    recipe.save(tmp_path / "recipe.json")
    model = models.create_model("cct_2_3x2_32", input_shape=(16, 16, 1), classes=10)
    report = export.to_litert(model, tmp_path / "model.tflite", "int8", calibration=tmp_path)
    assert report.partitions == 1
    assert report.top1_agreement is None
    sources = tmp_path, data.load("digits")
    batches = [np.stack(calibration_batches(model, source, 1)) for source in sources]
    assert len(batches[0]) > 100
    np.testing.assert_array_equal(*batches)
