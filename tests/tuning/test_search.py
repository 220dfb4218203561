"""The command: from arguments to a front, with its errors."""

import functools
import json
import sys
from pathlib import Path

import keras
import pytest

from cctzoo import export
from tests.tuning import made_up
from tuning import search
from tuning.latency import EdgeLatency
from tuning.records import Record, read_records
from tuning.report import best, trained_and_front, write_report

TINY = """
    --train-samples 150 --test-samples 20 --batch-size 16 --epochs 1 --proxy-epochs 1
    --depth 2 --embed-dim 8 16 --heads 2 4 --head-profile even --head-dim 0
    --conv-prefix 0 1 --prefix-kind vgg --oracle random --trials 2
"""


alike = pytest.mark.one_backend("jax")  # nothing is trained


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Runs the command in `tmp_path`; its exit code, 0 if there is none."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["search.py", *arguments])
        try:
            search.main()
        except SystemExit as end:
            return end.code
        return 0

    return call


def test_trials_train_on_this_backend(call, tmp_path, monkeypatch):
    monkeypatch.setattr(EdgeLatency, "measure", made_up.latency)
    assert call(*TINY.split(), "--final", "0", "--directory", "out") == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["trials"] == {"trained": 2, "over budget": 0, "failed": 0, "running": 0}
    assert 1 <= len(report["front"]) <= 2
    assert (tmp_path / "out/front.png").stat().st_size > 10_000
    for record in read_records(tmp_path / "out"):
        model = keras.saving.load_model(
            tmp_path / f"out/trials/trial_{record.trial}/run/model.keras"
        )
        assert model.config.embed_dim == record.values["embed_dim"]
        assert record.parameters == model.count_params()


def test_texts(call, tmp_path, monkeypatch):
    """Each trial has the words of its own training texts; the space asks only how many."""
    monkeypatch.setattr(EdgeLatency, "measure", made_up.latency)
    space = "--prefix-kind token_image --conv-prefix 1 --oracle random"
    arguments = f"{TINY} --preset docstrings --trials 1 --final 0 {space}".split()
    assert call(*arguments, "--directory", "out") == 0
    (record,) = read_records(tmp_path / "out")
    assert record.status == "trained", record.reason
    run = tmp_path / "out" / "trials" / f"trial_{record.trial}" / "run"
    model = keras.saving.load_model(run / "model.keras")
    assert model.config.prefix_kind == "token_image"
    assert len(model.config.vocabulary) > 100
    assert json.loads((tmp_path / "out" / "search.json").read_text())["given"]["classes"] == 10


@pytest.mark.one_backend("tensorflow")  # exports: slow elsewhere
def test_from_nothing_to_a_timed_model(call, tmp_path, capsys, monkeypatch):
    # After one epoch classes are so near to each other that int8 takes one for another.
    lenient = functools.partial(export.to_litert, least_agreement=0.0)
    monkeypatch.setattr(export, "to_litert", lenient)
    one = [*TINY.split(), "--trials", "1"]
    assert call(*one, "--latency-runs", "5", "--directory", "out") == 0
    final = json.loads((tmp_path / "out/report.json").read_text())["final"]
    assert len(final) == 1
    assert (tmp_path / final[0]["folder"] / "export/model_float32.tflite").exists()
    assert "(test)" in capsys.readouterr().out
    before = (tmp_path / "out/search.log").read_text().count("\n")
    assert call("--resume", "out") == 0  # nothing is left to do
    assert (tmp_path / "out/search.log").read_text().count("\n") == before + 1


@alike
def test_all_over_budget(call, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(EdgeLatency, "measure", made_up.latency)
    assert call(*TINY.split(), "--budget-ms", "0.1", "--directory", "out") == 1
    message = capsys.readouterr().err
    assert "2 of 2 were over the budget, the fastest was trial" in message
    assert "--resume out goes on" in message
    assert {record.status for record in read_records(tmp_path / "out")} == {"over budget"}


@alike
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--budget-ms 0", "budget_ms=0.0"),
        ("--budget-ms inf", "budget_ms=inf"),
        ("--heads 0", "heads=(0,)"),
        ("--conv-prefix 4 --depth 2", "holds no model"),
        ("--trials 0", "trials=0"),
        ("--workers 0", "workers=0"),
        ("--validation 0", "validation=0.0"),
        ("--proxy-images 40", "batch_size"),
        ("--latency-command nothing", "command='nothing'"),
        ("--latency-command false{model}", "did not run"),
        ("--resume nowhere", "search.json"),
        ("--resume nowhere --trials 3", "--resume with --trials"),
        ("--dataset npz:nowhere.npz", "nowhere.npz"),
    ],
)
def test_errors_before_any_work(arguments, message, call, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(EdgeLatency, "_export", lambda *_: None)
    assert call(*arguments.split(), "--directory", "out") in (1, 2)
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "out").exists()


@alike
def test_a_directory_that_is_used(call, tmp_path, capsys):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.txt").touch()
    assert call("--directory", "thesis") == 2
    assert "thesis" in capsys.readouterr().err


def record(trial, accuracy, latency_ms, **changes):
    values = dict.fromkeys(
        ["depth", "embed_dim", "heads", "head_dim", "conv_prefix", "prefix_pool"], 1
    ) | {"head_profile": "even", "prefix_kind": "vgg"}
    figures = {"accuracy": accuracy, "latency_ms": latency_ms, "ratio": latency_ms}
    return Record(
        trial,
        values,
        {"depth": trial},
        **{"status": "trained", "score": accuracy} | figures | changes,
    )


@alike
def test_hyperbands_rounds_are_one_model():
    rounds = [record("0", 0.7, 2.0), record("1", 0.9, 2.0), record("2", 0.8, 1.0)]
    rounds[0].changes = rounds[1].changes
    assert [each.trial for each in best(rounds, 3)] == ["1", "2"]


@alike
def test_report(tmp_path, capsys):
    made = [
        record("0", 0.9, 2.0),
        record("1", 0.8, 3.0),  # dominated
        record("2", 0.7, 1.0),
        record("3", 0.9, 2.0),  # as good as 0
        record("4", None, 9.0, status="over budget", reason="9 ms where 5 are allowed"),
    ]
    for each in made:
        folder = Path(tmp_path, "trials", f"trial_{each.trial}")
        folder.mkdir(parents=True)
        each.save(folder)
    assert read_records(tmp_path) == made
    records, trained, front = trained_and_front(tmp_path)
    assert len(records) == 5
    assert [each.trial for each in front] == ["2", "0", "3"]
    assert [each.trial for each in best(trained, 2)] == ["0", "3"]
    write_report(tmp_path, [{"trial": "0", "test_accuracy": 0.5}])
    assert json.loads((tmp_path / "report.json").read_text())["front"] == ["2", "0", "3"]
    text = capsys.readouterr().out
    assert "50.00% (test)" in text
    assert "4 trained, 1 over budget" in text
