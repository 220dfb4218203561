"""Every kind of model becomes one partition whose outputs equal Keras'."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cctzoo import data, export, models
from cctzoo.export.calibration import calibration_batches
from cctzoo.export.litert import PRECISIONS
from cctzoo.export.quantization import ENCODER, WORD_VECTORS, check_operator
from cctzoo.runtimes import LiteRTRunner, load_runner
from tests.export.sample import convert_once, once

pytestmark = once
IN_ONE_PARTITION = [precision for precision in PRECISIONS if precision != "full_int8"]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("cct_lsmha", {"depth": 2}),
        ("cct_polynomial", {"depth": 2}),
        ("cct_conv_polynomial", {"depth": 4}),
        ("cct_7_3x1_32", {"depth": 2}),
        ("cct_conv", {"depth": 4}),  # three blocks of the prefix, one of attention
        ("cct_2_3x2_32_sine", {}),
        ("cvt_2_4_32", {}),
        ("vit_2_4_32", {}),
    ],
)
def test_the_zoo_is_one_partition(name, changes, tmp_path):
    model = models.create_model(name, **changes)
    report = export.to_litert(model, tmp_path / "model.tflite")
    assert report.partitions == 1
    assert report.max_difference <= 1e-4


def test_a_group_of_heads_is_finished_before_the_next(tmp_path):
    """In the converter's order of operators; otherwise all heads' scores are held at once."""
    model = models.create_model("cct_7_3x1_32", heads=64, depth=3)
    export.to_litert(model, tmp_path / "model.tflite")
    held, most = 0, 0
    for operator, output in load_runner(tmp_path / "model.tflite").operator_outputs():
        if operator == "BATCH_MATMUL":
            rows = output["shape"][-2]
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
        assert report.partitions == 1 or precision == "full_int8", precision
        assert report.operators["DEPTHWISE_CONV_2D"] == 2, precision
        assert report.max_difference <= 0.05, precision


def test_polynomial_attention(tmp_path, images, monkeypatch):
    """Wide heads and narrow ones, on 48 tokens, without GELU; ONNX has the same graph."""
    model = models.create_model(
        "cct_2_3x1_32",
        input_shape=(16, 12, 3),
        heads=(4, 32),
        attention="polynomial",
        classes=7,
        activation="quick_gelu",
    )
    assert export.to_onnx(model, tmp_path / "model.onnx").max_difference <= 1e-5
    convert_once(monkeypatch, tmp_path / "graph.tflite")
    for precision in IN_ONE_PARTITION:
        path = tmp_path / f"{precision}.tflite"
        report = export.to_litert(model, path, precision, calibration=images)
        assert report.partitions == 1, precision
        assert report.max_difference <= (1e-5 if precision == "float32" else 0.05), precision
        assert report.operators["LOGISTIC"] == model.config.depth, precision
        assert "GELU" not in report.operators, precision


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


def test_calibration_by_a_data_set(tmp_path):
    """The training part of a data set gives the batches that its samples give."""
    digits = data.load("digits", train_samples=120)
    model = models.create_model("cct_2_3x2_32", input_shape=digits.x_train.shape[1:], classes=10)
    report = export.to_litert(model, tmp_path / "model.tflite", "int8", calibration=digits)
    assert report.partitions == 1
    assert report.top1_agreement is None
    batches = [calibration_batches(model, source, 4) for source in (digits, digits.x_train)]
    assert len(batches[0]) == len(digits.x_train) // 4 > 20
    np.testing.assert_array_equal(*batches)


def test_private_names_of_litert(tmp_path):
    """LiteRT's private `_get_ops_details`, and tensors named after the layers of the model.

    If this fails after an upgrade, correct `LiteRTRunner.operator_outputs` (partitions and
    operators of the reports) or the patterns in `cctzoo/export/quantization.py`.
    """
    model = models.text_cct(vocabulary=("a", "b"), length=6, classes=3)
    export.to_litert(model, tmp_path / "model.tflite")
    outputs = LiteRTRunner(tmp_path / "model.tflite").operator_outputs()
    assert [name for name, _ in outputs].count("DELEGATE") == 1
    (words,) = (output["name"] for name, output in outputs if name == "GATHER")
    assert re.search(WORD_VECTORS, words)
    dense = [output["name"] for name, output in outputs if name == "FULLY_CONNECTED"]
    assert sum(bool(re.search(ENCODER, name)) for name in dense) == 4 * model.config.depth


def test_threads_share_a_runner(litert, images):
    run = LiteRTRunner(litert("float32").path)
    batches = [images[:2], images[2:4], images[4:6]]
    expected = [run(batch) for batch in batches]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(run, batches * 20))
    np.testing.assert_array_equal(found, expected * 20)


def test_a_pattern_that_no_operator_matches_is_an_error(litert):
    graph = LiteRTRunner(litert("float32").path)
    check_operator(graph, "FULLY_CONNECTED", ENCODER)
    with pytest.raises(export.ExportError, match=r"GATHER.*Received: outputs named \[\]"):
        check_operator(graph, "GATHER", WORD_VECTORS)
    with pytest.raises(export.ExportError, match=r"matches 'blocks'.*outputs named \['"):
        check_operator(graph, "FULLY_CONNECTED", "blocks")
