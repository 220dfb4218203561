"""Invalid and failed exports: an error, the old file unchanged, and no partial file."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from cctzoo import export, models
from cctzoo.runtimes import load_runner
from tests.export.sample import once

pytestmark = once


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "model.bin"}, r"path='.*model\.bin'"),
        ({"path": "nowhere/model.tflite"}, r"path='.*nowhere/model\.tflite'"),
        ({"precision": "int4"}, "precision='int4'"),
        ({"precision": "int16x8"}, 'Use "int8" or "dynamic_int8".*int16x8'),
        ({"batch": 0}, "batch=0"),
        ({"precision": "int8"}, "calibration=None"),
        ({"precision": "full_int8"}, '"full_int8".* needs `calibration`'),
        ({"precision": "int8", "calibration": np.zeros((3, 16, 12, 1))}, r"\(3, 16, 12, 1\)"),
        ({"precision": "int8", "calibration": np.ones((3, 16, 12, 3))}, "values from 1 to 1"),
        ({"precision": "int8", "calibration": np.full((3, 16, 12, 3), np.nan)}, "NaN"),
        ({"precision": "int8", "calibration": np.zeros((0, 16, 12, 3))}, r"shape=\(0, 16"),
        ({"precision": "int8", "calibration": "runs/a"}, "calibration='runs/a'"),
        ({"class_names": ["a", "b"]}, "2 names, classes=7"),
        ({"samples": np.zeros((2, 8, 8, 3))}, r"samples\.shape=\(2, 8, 8, 3\)"),
        ({"samples": np.zeros((3, 16, 12, 3)), "batch": 2}, r"n a positive multiple of 2"),
        ({"labels": [1]}, "samples=None"),
        ({"samples": np.zeros((2, 16, 12, 3)), "labels": [1]}, "1 labels, 2 samples"),
    ],
)
def test_invalid_arguments_are_refused_before_the_conversion(
    model, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.setattr(models.CCT, "export", None)
    arguments = {"path": "model.tflite"} | arguments
    path = tmp_path / arguments.pop("path")
    with pytest.raises(ValueError, match=message):
        export.to_litert(model, path, **arguments)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("text_cct_2_k2", {"length": 6, "word_dim": 4}, "`full_int8` needs an image model"),
        ("cct_2_3x2_32", {"attention": ["polynomial", "softmax"]}, "needs softmax attention"),
    ],
)
def test_models_without_a_form_of_integers(name, changes, message, tmp_path):
    model = models.create_model(name, embed_dim=4, heads=1, classes=2, **changes)
    samples = np.ones((2, *model.input_shape[1:]), "int32")
    with pytest.raises(ValueError, match=message):
        export.to_litert(model, tmp_path / "model.tflite", "full_int8", calibration=samples)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_models_that_cannot_be_exported(model, tmp_path):
    with pytest.raises(ValueError, match=r"or a functional Keras model with one"):
        export.to_litert(keras.Sequential([keras.Input((4,))]), tmp_path / "model.tflite")
    copy = models.CCT.from_config(model.get_config())
    copy.quantize("int8")
    with pytest.raises(ValueError, match="quantised"):
        export.to_onnx(copy, tmp_path / "model.onnx")


def export_wrong_copy(model, *arguments, **options):
    """Stands for a converter that reports success for a wrong graph."""
    wrong = models.CCT.from_config(model.get_config())
    wrong.get_layer("classifier").bias.assign(1000 * np.arange(7.0))
    keras.Model.export(wrong, *arguments, **options)


def test_a_wrong_graph_is_an_error_and_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    monkeypatch.setattr(models.CCT, "export", export_wrong_copy)
    with pytest.raises(export.ExportError, match="max_difference="):
        export.to_litert(model, path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["model.tflite"]


def test_low_agreement_is_an_error_unless_allowed(model, images, tmp_path, monkeypatch):
    """A graph that always predicts class 6 stands for one that quantisation damaged."""
    monkeypatch.setattr(models.CCT, "export", export_wrong_copy)
    arguments = (model, tmp_path / "model.tflite", "dynamic_int8")
    with pytest.raises(export.ExportError, match=r"top1_agreement=\d+\.\d+% on 60 samples"):
        export.to_litert(*arguments, samples=images)
    assert not any(tmp_path.iterdir())
    export.to_litert(*arguments, samples=images, least_agreement=0)


def test_only_a_saved_model_folder_is_replaced(model, tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(ValueError, match="photos"):
        export.to_saved_model(model, tmp_path / "photos")


@pytest.mark.parametrize("function", [export.to_litert, export.to_saved_model, export.to_onnx])
def test_an_unwritable_folder(model, tmp_path, monkeypatch, function):
    """`os.access` is patched, because a superuser may write anywhere."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    suffix = {export.to_litert: ".tflite", export.to_onnx: ".onnx"}.get(function, "")
    with pytest.raises(PermissionError, match=str(tmp_path)):
        function(model, tmp_path / f"model{suffix}")


def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path):
    """A child process whose limit on file sizes is below the size of the weights."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    code = (
        "import cctzoo, sys\n"
        "model = cctzoo.models.create_model('cct_2_3x2_32', input_shape=(16, 16, 1))\n"
        "cctzoo.export.to_litert(model, sys.argv[1])\n"
    )
    limit = 100_000  # bytes; the model has four times as many
    result = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "ExportError: The conversion to litert by TensorFlow failed" in result.stderr
    assert "File too large" in result.stderr  # the converter's own error
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["model.tflite"]


def test_a_truncated_file(litert, tmp_path):
    whole = Path(litert("float32").path).read_bytes()
    path = tmp_path / "model.tflite"
    for part in (0, 100, len(whole) // 2):
        path.write_bytes(whole[:part])
        with pytest.raises(ValueError, match=r"complete LiteRT graph.*model\.tflite"):
            load_runner(path)


def test_the_runner_refuses_images_of_another_shape(litert, images):
    runner = load_runner(litert("float32").path)
    for wrong in (images[:, :8], images[..., :1], images[:3], images[:0], images[0]):
        with pytest.raises(ValueError, match=r"samples\.shape="):
            runner(wrong)
