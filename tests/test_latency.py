"""Latency: the targets that can be timed, the report, and the refusals."""

import dataclasses
import json

import numpy as np
import pytest

from cctzoo import export, latency, models, weights
from cctzoo.export.inputs import randomise_vectors


@pytest.fixture(scope="module")
def small():
    return models.create_model("cct_2_3x2_32", input_shape=(16, 16, 1))


@pytest.mark.one_backend("torch")
def test_a_larger_model_takes_longer(small):
    """This model has more than 50 times the multiply-adds of the small model.

    Under PyTorch most of the small model's time is not arithmetic.
    """
    large = models.create_model("cct_7_3x1_32", input_shape=(32, 32, 1), depth=3)
    report = latency.measure({"small": small, "large": large}, runs=7, warmup=2)
    assert [row.name for row in report.rows] == ["small", "large"]
    assert (report.rows[0].ratio, report.runs, report.threads) == (1, 7, 1)
    assert report.rows[0].median_ms > 0
    assert report.rows[1].ratio > 1
    assert "keras" in report.versions


@pytest.mark.one_backend("tensorflow")  # converts without a child process
def test_every_kind_of_target(small, tmp_path):
    export.to_litert(small, tmp_path / "model.tflite")
    export.to_saved_model(small, tmp_path / "saved")
    export.to_onnx(small, tmp_path / "model.onnx")
    export.to_openvino(small, tmp_path / "model.xml")
    small.save(tmp_path / "model.keras")
    weights.save_weights(small, tmp_path / "model.safetensors")
    weights.save_to_folder(small, tmp_path / "hub")
    names = ["model.tflite", "saved", "model.onnx", "model.xml", "model.keras"]
    names += ["model.safetensors", "hub"]
    targets = {"live": small, "tag": "cct_2_3x2_32.digits"}
    targets |= {name: str(tmp_path / name) for name in names}
    report = latency.measure(targets, runs=4, warmup=1, in_a_row=2)
    assert [row.name for row in report.rows] == ["live", "tag", *names]
    assert all(row.median_ms > 0 for row in report.rows)
    assert {"ai-edge-litert", "onnxruntime", "openvino"} < set(report.versions)


@pytest.mark.one_backend("jax")  # nothing is timed
def test_report(tmp_path):
    rows = [latency.Latency("a", 2.0, 1.9, 2.5, 1.0), latency.Latency("bb", 0.5, 0.4, 0.6, 0.25)]
    report = latency.LatencyReport(rows, 1, 7, "a processor, 2 cores", {"keras": "3.15"})
    lines = str(report).splitlines()
    assert lines[1].split() == ["a", "2.00", "1.90", "2.50", "1.000"]
    assert lines[2].split() == ["bb", "0.50", "0.40", "0.60", "0.250"]
    assert "1 thread, 7 alternating runs; a processor, 2 cores; keras 3.15" in lines[3]
    report.save(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == dataclasses.asdict(report)
    report.plot(tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.one_backend("jax")
def test_no_text_of_the_plot_is_cut(tmp_path):
    rows = [latency.Latency("x" * 60, 2.0, 1.9, 2.5, 1.0), latency.Latency("b", 0.5, 0.4, 1, 0.25)]
    machine = "Intel(R) Xeon(R) Platinum 8259CL Processor @ 2.50GHz, 128 cores"
    figure = latency.LatencyReport(rows, 1, 7, machine, {}).plot(tmp_path / "report.png")
    assert machine in figure.get_suptitle()
    figure.draw_without_rendering()  # the file has another resolution
    whole = figure.bbox
    (axes,) = figure.axes
    for text in [*figure.texts, *axes.get_yticklabels()]:
        box = text.get_window_extent()
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1, text
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1, text


def test_randomised_vectors_are_neither_one_nor_zero():
    model = models.create_model("cct_2_3x2_32", input_shape=(16, 16, 1), conv_prefix=1)
    before = model.get_weights()
    randomise_vectors(model)
    for path, old, new in zip(
        (weight.path for weight in model.weights), before, model.get_weights(), strict=True
    ):
        if new.ndim == 1 and new.dtype == "float32":
            assert not np.isin(new, [0, 1]).any(), path
            assert np.abs(new - old).max() < 0.5, path
        else:
            assert (new == old).all(), path


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        ({}, {}, "targets={}"),
        ({"x": "/nowhere.tflite"}, {}, r"x='/nowhere\.tflite'"),
        ({"x": "."}, {"runs": 0}, "runs=0"),
        ({"x": "."}, {"in_a_row": 0}, "in_a_row=0"),
        ({"x": "."}, {"runs": 5, "in_a_row": 2}, "multiple of `in_a_row`. .*runs=5, in_a_row=2"),
        ({"x": "."}, {"threads": 1.5}, r"threads=1\.5"),
    ],
)
def test_invalid_arguments(targets, options, message):
    with pytest.raises(ValueError, match=message):
        latency.measure(targets, **options)


@pytest.mark.one_backend("jax")  # in a child process, which starts fastest with JAX
def test_the_child_reports_a_damaged_artifact(tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"not a model")
    with pytest.raises(RuntimeError, match=r"time_models ended with code 1(.|\n)*not a valid"):
        latency.measure({"x": tmp_path / "model.tflite"})
