"""The number of heads that a graph computes at a time, chosen by timing candidates."""

import pytest

from cctzoo import export, models
from cctzoo.export.group_sizes import candidates
from cctzoo.runtimes import LiteRTRunner
from tests.export.sample import not_jax, once, sample_model

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


@not_jax
def test_the_fastest_candidate_is_kept(tmp_path):
    """On PyTorch, the size of the group reaches the child process that converts."""
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
def test_candidates_are_timed_on_this_machine(model, images, tmp_path):
    report = export.to_litert(
        model, tmp_path / "model.tflite", "int8", batch=2, calibration=images, tune=True
    )
    assert set(report.milliseconds) == {"16", "8"}
    assert all(milliseconds > 0 for milliseconds in report.milliseconds.values())
    fastest = min(report.milliseconds, key=report.milliseconds.get)
    assert groups(tmp_path / "model.tflite") == BLOCKS * 16 // int(fastest)


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
