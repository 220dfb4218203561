"""The number of heads that a graph computes at a time, chosen by timing candidates."""

import pytest

from cctzoo import export, latency, models
from cctzoo.export.group_sizes import candidates
from cctzoo.runtimes import LiteRTRunner
from tests.export.sample import once, sample_model

BLOCKS = 2


def groups(path):
    """Number of groups of heads in all blocks; sequence pooling has a softmax, too."""
    return LiteRTRunner(path).operators()["SOFTMAX"] - 1


def test_candidates_are_the_graphs_that_differ(model):
    assert candidates(model) == {"16": 1.0, "8": 0.25}
    lsmha = models.variant_config("cct_lsmha")
    assert lsmha.heads == 64
    many = models.CCT(lsmha)
    assert candidates(many) == {"2": 1.0, "4": 2.0, "8": 4.0, "16": 8.0}  # at most 32 groups
    few = models.create_model("cct_2_3x2_32")
    assert candidates(few) == {"2": 1.0}
    polynomial = models.create_model("cct_polynomial", depth=1)
    assert candidates(polynomial) == {"32": 1.0, "8": 0.25, "16": 0.5, "64": 2.0}


@pytest.mark.one_backend("torch")
def test_the_fastest_candidate_is_kept(tmp_path):
    """A function times the candidates. Their size reaches the child process that converts."""
    model, timed = sample_model(), []

    def timer(path):
        timed.append(groups(path))
        return 1.0 / groups(path)  # more groups are faster

    report = export.to_litert(model, tmp_path / "model.tflite", tune=timer)
    assert timed == [BLOCKS * 1, BLOCKS * 2]
    assert report.milliseconds == {"16": 1 / 2, "8": 1 / 4}
    assert groups(tmp_path / "model.tflite") == BLOCKS * 2
    assert report.max_difference <= 1e-5
    assert str(report).endswith("8 heads at a time: 0.25 ms (slowest: 0.50 ms)")


@once
def test_candidates_are_timed_alternately(model, images, tmp_path, monkeypatch):
    """By `latency.measure`, which has its own tests."""

    def measure(paths, runs):
        rows = [latency.Latency(name, groups(path), 0, 0, 1) for name, path in paths.items()]
        return latency.LatencyReport(rows, 1, runs, "", {})

    monkeypatch.setattr(latency, "measure", measure)
    path = tmp_path / "model.tflite"
    report = export.to_litert(model, path, "int8", batch=2, calibration=images, tune=True)
    assert report.milliseconds == {"16": BLOCKS * 1, "8": BLOCKS * 2}
    assert groups(path) == BLOCKS * 1


@once
def test_one_candidate_is_not_timed(tmp_path):
    model = models.create_model("cct_2_3x2_32")
    report = export.to_litert(model, tmp_path / "model.tflite", tune=lambda path: 1 / 0)
    assert report.milliseconds == {}


@once
@pytest.mark.parametrize("milliseconds", [0.0, -1, float("nan"), "3 ms", None])
def test_a_timer_returns_milliseconds(model, tmp_path, monkeypatch, milliseconds):
    monkeypatch.setattr("cctzoo.export.group_sizes.write_graph", lambda *arguments: None)
    with pytest.raises(ValueError, match="positive number of milliseconds"):
        export.to_litert(model, tmp_path / "model.tflite", tune=lambda path: milliseconds)
    assert not any(tmp_path.iterdir())


def test_tune_is_a_flag_or_a_function(model, tmp_path):
    with pytest.raises(ValueError, match="tune='fast'"):
        export.to_litert(model, tmp_path / "model.tflite", tune="fast")
