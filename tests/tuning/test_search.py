"""The command line: from arguments to the front, and errors."""

import functools
import json
import sys
from pathlib import Path

import keras
import pytest

from cctzoo import export, training
from tests.formats.processes import in_use
from tests.pages.reading import read_page
from tests.training.few import few_digits
from tests.tuning import made_up
from tuning import arguments, search
from tuning.latency import EdgeLatency
from tuning.records import Record, read_records
from tuning.report import best, plot_front, trained_and_front, write_report

TINY = """
    --train-samples 150 --test-samples 20 --batch-size 16 --epochs 1 --proxy-epochs 1
    --depth 2 --embed-dim 8 16 --heads 2 4 --head-profile even --head-dim 0
    --conv-prefix 0 1 --prefix-kind vgg --oracle random --trials 2
"""


one_backend = pytest.mark.one_backend("jax")  # no model is trained


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Runs the command in `tmp_path`; returns its exit code."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["search.py", *arguments])
        try:
            search.main()
        except SystemExit as end:
            return end.code
        return 0

    return call


@one_backend
@pytest.mark.parametrize(("size", "expected"), [("96 128", (96, 128)), ("96", 96)])
def test_the_plan_has_the_image_size_of_the_command_line(size, expected, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["search.py", "--image-size", *size.split()])
    options = arguments.make_parser("A search.").parse_args()
    assert arguments.plan_fields(options)["recipe"].image_size == expected


def test_trials_train_on_this_backend(call, tmp_path, monkeypatch):
    monkeypatch.setattr(EdgeLatency, "measure", made_up.measure)
    assert call(*TINY.split(), "--final", "0", "--directory", "out") == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["trials"] == {"trained": 2, "over budget": 0, "failed": 0, "running": 0}
    assert 1 <= len(report["front"]) <= 2
    assert (tmp_path / "out/front.png").stat().st_size > 10_000
    assert read_page(tmp_path / "out/report.html")["front"] == report["front"]
    for record in read_records(tmp_path / "out"):
        model = keras.saving.load_model(
            tmp_path / f"out/trials/trial_{record.trial}/run/model.keras"
        )
        assert model.config.embed_dim == record.values["embed_dim"]
        assert record.parameters == model.count_params()


@pytest.mark.one_backend("torch")  # the trials above train on each backend
def test_text_models(call, tmp_path, monkeypatch):
    """Each trial takes its vocabulary from its training texts; search.json has no words."""
    monkeypatch.setattr(EdgeLatency, "measure", made_up.measure)
    space = "--prefix-kind token_image --conv-prefix 1 --oracle random"
    arguments = f"{TINY} --preset docstrings --trials 1 --final 0 {space}".split()
    assert call(*arguments, "--directory", "out") == 0
    (record,) = read_records(tmp_path / "out")
    assert record.status == "trained", record.reason
    run = tmp_path / "out" / "trials" / f"trial_{record.trial}" / "run"
    model = keras.saving.load_model(run / "model.keras")
    assert model.config.prefix_kind == "token_image"
    assert len(model.config.vocabulary) > 100
    assert (
        json.loads((tmp_path / "out" / "search.json").read_text())["data_fields"]["classes"] == 10
    )


@pytest.mark.one_backend("tensorflow")  # exports, which are slower on other backends
def test_from_nothing_to_a_timed_model(call, tmp_path, capsys, monkeypatch):
    # After one epoch the logits are so similar that int8 changes predictions.
    lenient = functools.partial(export.to_litert, least_agreement=0.0)
    monkeypatch.setattr(export, "to_litert", lenient)
    one = [*TINY.split(), "--trials", "1"]
    assert call(*one, "--latency-runs", "5", "--directory", "out") == 0
    final = json.loads((tmp_path / "out/report.json").read_text())["final"]
    assert len(final) == 1
    assert (tmp_path / final[0]["folder"] / "export/model_float32.tflite").exists()
    run_page = read_page(tmp_path / final[0]["folder"] / "report.html")
    assert len(run_page["delivered"]["exports"]) == 3
    assert read_page(tmp_path / "out/report.html")["finals"][0]["trial"] == final[0]["trial"]
    assert "(test)" in capsys.readouterr().out
    before = (tmp_path / "out/search.log").read_text().count("\n")
    assert call("--resume", "out") == 0  # everything is done
    assert (tmp_path / "out/search.log").read_text().count("\n") == before + 1


@one_backend
def test_all_over_budget(call, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(EdgeLatency, "measure", made_up.measure)
    assert call(*TINY.split(), "--budget-ms", "0.1", "--directory", "out") == 1
    message = capsys.readouterr().err
    assert "2 of 2 were over the budget. The fastest was trial" in message
    assert "resume with --resume out" in message
    assert {record.status for record in read_records(tmp_path / "out")} == {"over budget"}
    page = read_page(tmp_path / "out/report.html")
    assert [each["status"] for each in page["trials"]] == ["over budget"] * 2


@one_backend
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--budget-ms 0", "budget_ms=0.0"),
        ("--budget-ms inf", "budget_ms=inf"),
        ("--heads 0", "heads=(0,)"),
        ("--conv-prefix 4 --depth 2", "has no model"),
        ("--trials 0", "trials=0"),
        ("--workers 0", "workers=0"),
        ("--validation 0", "validation=0.0"),
        ("--proxy-samples 40", "batch_size"),
        ("--latency-command nothing", "command='nothing'"),
        ("--latency-command false{model}", "did not run"),
        ("--resume nowhere", "search.json"),
        ("--resume nowhere --trials 3", "--resume with --trials"),
        ("--engine optuna --oracle pareto", "oracle='pareto'"),
        ("--engine optuna --storage nonsense", "address of a database"),
        ("--storage sqlite://", "needs the engine 'optuna'"),
        ("--engine optuna --join", "`--join` needs"),
        ("--dataset npz:nowhere.npz", "nowhere.npz"),
    ],
)
def test_invalid_arguments_print_one_line(arguments, message, call, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export, "to_litert", lambda *_: None)
    assert call(*arguments.split(), "--directory", "out") in (1, 2)
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "out").exists()


@one_backend
def test_a_directory_that_is_not_empty(call, tmp_path, capsys):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.txt").touch()
    assert call("--directory", "thesis") == 2
    assert "thesis" in capsys.readouterr().err


@one_backend
def test_one_process_writes_a_search_and_its_workers_join(call, tmp_path, monkeypatch, capsys):
    """A worker of another machine takes part; a second chief is refused, and a training."""
    searched = []
    monkeypatch.setattr(search, "run_trials", lambda *_: searched.append(search.role()))
    (tmp_path / "out").mkdir()
    made_up.make_plan(tmp_path).save(tmp_path / "out")
    before = (tmp_path / "out" / "search.json").read_bytes()
    with in_use(tmp_path / "out"):
        with pytest.raises(ValueError, match="must be new"):
            training.train(few_digits(), "out")
        assert call("--resume", "out") == 2
        monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
        monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "8123")
        monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
        assert call("--resume", "out", "--trials-only") == 2
        assert capsys.readouterr().err.count("Another process is writing this directory") == 2
        monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker1")
        assert call("--resume", "out") == 0
    assert searched == ["worker1"]
    assert (tmp_path / "out" / "search.json").read_bytes() == before


@one_backend
def test_an_optuna_search_and_a_worker_that_joins(call, tmp_path, monkeypatch, capsys):
    """The worker takes part while another process owns the search, and writes no report."""
    monkeypatch.setattr(EdgeLatency, "measure", made_up.measure)
    monkeypatch.setattr(training, "train", made_up.train)
    words = [*TINY.replace("--oracle random", "").split(), "--engine", "optuna"]
    assert call(*words, "--final", "0", "--directory", "out") == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["trials"]["trained"] == 2
    (tmp_path / "out/report.json").unlink()
    with in_use(tmp_path / "out"):
        assert call("--resume", "out") == 2
        assert "Another process is writing this directory" in capsys.readouterr().err
        assert call("--resume", "out", "--join") == 0
    assert not (tmp_path / "out/report.json").exists()
    assert call("--resume", "out", "--join", "--workers", "2") == 2
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker1")
    assert call("--resume", "out") == 2
    assert "workers of Optuna use --join" in capsys.readouterr().err


def make_record(trial, accuracy, latency_ms, **changes):
    values = dict.fromkeys(
        ["depth", "embed_dim", "heads", "head_dim", "conv_prefix", "prefix_pool"], 1
    ) | {"head_profile": "even", "attention": "softmax", "mlp_kind": "dense", "prefix_kind": "vgg"}
    figures = {"accuracy": accuracy, "latency_ms": latency_ms, "ratio": latency_ms}
    figures |= {"status": "trained", "score": accuracy, **changes}
    return Record(trial, values | {"depth": int(trial)}, **figures)


@one_backend
def test_rounds_of_hyperband_count_as_one_model():
    rounds = [make_record("0", 0.7, 2.0), make_record("1", 0.9, 2.0), make_record("2", 0.8, 1.0)]
    rounds[0].values = rounds[1].values
    assert [each.trial for each in best(rounds, 3)] == ["1", "2"]


@one_backend
def test_report(tmp_path, capsys):
    made = [
        make_record("0", 0.9, 2.0),
        make_record("1", 0.8, 3.0),  # dominated
        make_record("2", 0.7, 1.0),
        make_record("3", 0.9, 2.0),  # equal to trial 0
        make_record("4", None, 9.0, status="over budget", reason="9 ms, the budget is 5 ms"),
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


@one_backend
def test_a_front_of_one_point_is_visible(tmp_path):
    only = make_record("0", 0.9, 2.0)
    figure = plot_front([only], [only], tmp_path / "front.png")
    (axes,) = figure.axes
    line, ring = axes.lines
    x, y = line.get_xdata(), line.get_ydata()
    assert (x[0], *set(y)) == (2, 90)
    assert x[-1] > 1.1 * x[0]
    assert ring.get_xydata().tolist() == [[2, 90]]
    assert ring.get_markersize() > 10
    assert axes.get_title()
