"""Exports against the Keras model: numbers, graphs and faults."""

from pathlib import Path

import numpy as np
import pytest

from cctzoo import export, models
from cctzoo.export import convert as convert_module
from cctzoo.export import litert as litert_module
from cctzoo.export.runtime import load_runner


@pytest.fixture(scope="module")
def model():
    """A model with everything that a graph can hold: prefix, batch norms, many heads."""
    return models.create_model(
        "cct_4_3x1_32", input_shape=(16, 12, 3), heads=16, conv_prefix=2, classes=7
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (10, 16, 12, 3)).astype("uint8")


def outputs(path, images):
    return load_runner(path)(images.astype("float32"))


@pytest.fixture(scope="module")
def litert(model, images, tmp_path_factory):
    """Precision -> report of an export, each in a folder of its own."""
    return {
        precision: export.to_litert(
            model,
            tmp_path_factory.mktemp(precision) / "model.tflite",
            precision,
            batch=2,
            images=images,
        )
        for precision in ("float32", "dynamic_int8")
    }


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("dynamic_int8", 0.02)])
def test_litert(model, images, litert, precision, tolerance):
    report = litert[precision]
    path = Path(report.path)
    difference = np.abs(outputs(path, images) - model.predict(images, verbose=0)).max()
    assert report.max_difference == pytest.approx(difference, abs=1e-7)
    assert difference <= tolerance
    assert report.partitions == 1
    assert report.bytes == path.stat().st_size
    assert report.operators["CONV_2D"] == 3  # batch norms are folded
    assert report.operators["SOFTMAX"] == 2 + 2  # blocks, pooling, classifier
    assert [file.name for file in path.parent.iterdir()] == ["model.tflite"]


def test_dynamic_int8_is_smaller(litert):
    assert litert["dynamic_int8"].bytes < 0.4 * litert["float32"].bytes


def test_saved_model_takes_any_batch_and_is_replaced(model, images, tmp_path):
    path = tmp_path / "saved"
    for _ in range(2):
        report = export.to_saved_model(model, path, images)
    assert report.max_difference <= 1e-5
    assert report.top1_agreement == 1
    for count in (1, 3):
        expected = model.predict(images[:count], verbose=0)
        np.testing.assert_allclose(outputs(path, images[:count]), expected, atol=1e-5)
    assert [file.name for file in tmp_path.iterdir()] == ["saved"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "model.bin"}, r"path='.*model\.bin'"),
        ({"path": "nowhere/model.tflite"}, r"path='.*nowhere/model\.tflite'"),
        ({"precision": "int4"}, "precision='int4'"),
        ({"batch": 0}, "batch=0"),
    ],
)
def test_wrong_arguments(model, tmp_path, arguments, message):
    arguments = {"path": "model.tflite"} | arguments
    path = tmp_path / arguments.pop("path")
    with pytest.raises(ValueError, match=message):
        export.to_litert(model, path, **arguments)


def broken_copy(model, path, kind, batch=None):
    """Stands for a converter that reports success for a wrong graph."""
    wrong = models.CCT.from_config(model.get_config())
    wrong.get_layer("classifier").bias.assign(np.arange(7.0))
    original_convert(wrong, path, kind, batch)


original_convert = convert_module.convert


def test_a_wrong_graph_is_an_error_and_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    monkeypatch.setattr(litert_module, "convert", broken_copy)
    with pytest.raises(export.ExportError, match="max_difference="):
        export.to_litert(model, path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["model.tflite"]


def test_a_folder_that_is_no_saved_model_is_not_replaced(model, tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(ValueError, match="photos"):
        export.to_saved_model(model, tmp_path / "photos")


def test_images_of_another_shape(model, tmp_path):
    with pytest.raises(ValueError, match=r"images\.shape=\(2, 8, 8, 3\)"):
        export.to_litert(model, tmp_path / "model.tflite", images=np.zeros((2, 8, 8, 3)))


@pytest.mark.parametrize("name", ["cct_7_3x1_32", "cct_lsmha", "cct_conv"])
def test_the_zoo_is_one_partition(name, tmp_path):
    report = export.to_litert(models.create_model(name), tmp_path / "model.tflite")
    assert report.partitions == 1
    assert report.max_difference <= 1e-4
