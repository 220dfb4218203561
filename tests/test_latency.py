"""Latency: what is timed, how often, and in what order it is reported."""

import numpy as np
import pytest

from cctzoo import export, latency, models


@pytest.fixture(scope="module")
def small():
    return models.create_model("cct_2_3x2_32", input_shape=(16, 16, 1))


def test_targets_of_every_kind(small, tmp_path):
    export.to_litert(small, tmp_path / "small.tflite")
    export.to_saved_model(small, tmp_path / "saved")
    targets = {"live": small, "a": tmp_path / "small.tflite", "b": str(tmp_path / "saved")}
    report = latency.measure(targets, runs=7, warmup=1)
    assert [row.name for row in report.rows] == ["live", "a", "b"]
    assert report.rows[0].ratio == 1
    for row in report.rows:
        assert 0 < row.p10_ms <= row.median_ms <= row.p90_ms
        assert row.ratio == pytest.approx(row.median_ms / report.rows[0].median_ms)
    assert "1 thread, 7 runs" in str(report)
    assert "keras" in report.versions


def test_scattered_weights_are_neither_one_nor_zero():
    model = models.create_model("cct_2_3x2_32", input_shape=(16, 16, 1), conv_prefix=1)
    before = model.get_weights()
    latency.randomise_vectors(model)
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
        ({"x": "."}, {"threads": 1.5}, r"threads=1\.5"),
    ],
)
def test_wrong_arguments(targets, options, message):
    with pytest.raises(ValueError, match=message):
        latency.measure(targets, **options)


@pytest.mark.one_backend("jax")  # in a child process, which starts soonest there
def test_a_target_that_is_no_artifact_says_so_from_the_child(tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"not a model")
    with pytest.raises(RuntimeError, match=r"cctzoo\.latency ended with code 1(.|\n)*not a valid"):
        latency.measure({"x": tmp_path / "model.tflite"})
