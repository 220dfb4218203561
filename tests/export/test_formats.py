"""Every format compared with the Keras model: outputs, operators, metadata."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cctzoo import export, models
from cctzoo.runtimes import load_runner
from tests.export.sample import NAMES, not_jax, once


@pytest.mark.parametrize(
    ("precision", "tolerance", "size"),
    [
        ("float32", 1e-5, 1),
        pytest.param("float16", 0.01, 0.56, marks=once),
        pytest.param("dynamic_int8", 0.3, 0.38, marks=once),
        pytest.param("int8", 0.5, 0.4, marks=not_jax),
    ],
)
def test_litert(model, images, labels, litert, precision, tolerance, size):
    report = litert(precision)
    path = Path(report.path)
    expected, got = model.predict(images, verbose=0), load_runner(path)(images)
    assert np.abs(expected).max() > 1
    assert report.max_difference == pytest.approx(np.abs(got - expected).max(), abs=1e-6)
    assert report.max_difference <= tolerance
    assert report.top1_agreement == np.mean(got.argmax(-1) == expected.argmax(-1))
    assert report.accuracy == np.mean(got.argmax(-1) == labels)
    assert report.keras_accuracy == 0.9
    assert report.partitions == 1
    assert report.bytes == path.stat().st_size <= size * litert("float32").bytes
    assert report.operators["CONV_2D"] == 3  # batch norms are folded
    assert report.operators["SOFTMAX"] == 2 + 1  # blocks, pooling
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "model.tflite",
        "model.tflite.json",
    ]


@once
def test_batch_norms_leave_no_arithmetic(litert):
    """All arithmetic is from pixel normalisation, layer norms, residuals and the query scale."""
    operators = litert("float32").operators
    blocks, norms = 2, 5
    assert operators["RSQRT"] == norms
    assert operators["MUL"] == 1 + blocks + 2 * norms
    assert operators.get("DIV", 0) == 0


@once
def test_int8_is_static_in_the_encoder_only(litert):
    counts = litert("int8").operators
    blocks, dense = 2, 4
    assert counts["QUANTIZE"] >= blocks * dense - blocks
    assert "QUANTIZE" not in litert("dynamic_int8").operators


@once
def test_the_file_describes_the_model(model, litert):
    path = Path(litert("int8").path)
    about = json.loads(zipfile.ZipFile(path).read("metadata.json"))
    assert about["class_names"] == NAMES
    assert about["output"] == "logits"
    assert about["input"]["shape"] == [16, 12, 3]
    assert about["input"]["values"] == "0 to 255"
    assert about["input"]["view"] is None
    written = json.loads(path.with_name("model.tflite.json").read_text())
    assert written.pop("export")["bytes"] == path.stat().st_size
    assert written == about
    assert models.CCTConfig(**about["config"]) == model.config


@not_jax
def test_saved_model(model, images, labels, tmp_path):
    """Any batch size, uint8 and float32; weights stored once; an old SavedModel is replaced."""
    path = tmp_path / "saved"
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"old")
    (path / "old").touch()
    report = export.to_saved_model(model, path, images, labels, NAMES)
    assert not (path / "old").exists()
    assert report.max_difference <= 1e-5
    assert (report.top1_agreement, report.accuracy) == (1, 0.9)
    assert report.bytes < 4 * model.count_params() + 700_000
    assert [file.name for file in tmp_path.iterdir()] == ["saved"]
    about = json.loads((path / "assets.extra/cctzoo.json").read_text())
    assert about["class_names"] == NAMES
    for count in (1, 3):
        expected = model.predict(images[:count], verbose=0)
        np.testing.assert_allclose(load_runner(path)(images[:count]), expected, atol=1e-5)
    tf = pytest.importorskip("tensorflow")
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    (output,) = served(image=tf.constant(images[:3])).values()  # uint8
    np.testing.assert_allclose(output, expected, atol=1e-5)


ONNX = (export.to_onnx, "model.onnx", ["model.onnx", "model.onnx.json"])
OPENVINO = (export.to_openvino, "model.xml", ["model.bin", "model.xml", "model.xml.json"])


@pytest.mark.parametrize(
    ("function", "name", "files", "batch"),
    [
        pytest.param(*ONNX, 2, marks=not_jax),
        *(pytest.param(*case, marks=once) for case in [(*ONNX, None), (*OPENVINO, 2)]),
        pytest.param(*OPENVINO, None, marks=once),
    ],
)
def test_onnx_and_openvino(model, images, labels, tmp_path, function, name, files, batch):
    report = function(model, tmp_path / name, batch, images, labels, NAMES)
    assert report.max_difference <= 1e-5
    assert (report.top1_agreement, report.accuracy) == (1, 0.9)
    assert sum(report.operators.values()) > 50
    assert "BatchNormalization" not in report.operators
    assert sorted(file.name for file in tmp_path.iterdir()) == files
    about = json.loads((tmp_path / f"{name}.json").read_text())
    assert about["class_names"] == NAMES
    runner = load_runner(tmp_path / name)
    expected = model.predict(images[:4], verbose=0)
    np.testing.assert_allclose(runner(images[:4]), expected, atol=1e-5)
    with pytest.raises(ValueError, match=r"samples\.shape=\(4, 12, 16, 3\)"):
        runner(images[:4].transpose(0, 2, 1, 3))


@once
def test_onnx_metadata(model, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    export.to_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    about = json.loads(session.get_modelmeta().custom_metadata_map["cctzoo"])
    assert about["input"]["shape"] == [16, 12, 3]


@pytest.mark.one_backend("jax")  # a child process, which starts fastest with JAX
def test_openvino_sends_no_statistics():
    """In a child process, because an import happens once."""
    pytest.importorskip("openvino_telemetry")
    code = (
        "import sys\n"
        "from cctzoo.runtimes import import_openvino\n"
        "print(import_openvino().Core().available_devices, 'openvino_telemetry' in sys.modules)\n"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.stdout.startswith("['CPU"), child.stderr
    assert child.stdout.endswith(" False\n")
