"""The files of a search from elsewhere: whatever is broken is one error that names the file."""

import json
import shutil
import time

import pytest

from tests.training.test_broken_files import BROKEN_JSON, other
from tests.tuning import made_up
from tuning import latency
from tuning.engine import make_engine
from tuning.latency import EdgeLatency
from tuning.plan import SearchPlan
from tuning.records import Record, read_records
from tuning.trials import run_trials

pytestmark = pytest.mark.one_backend("jax")  # no model is built


def refuses(read, path, text, received=""):
    """Whether reading a file with other content is one quick error that names the file."""
    before = path.read_text()
    path.write_text(text, encoding="latin-1")
    start = time.process_time()
    with pytest.raises(
        ValueError, match=rf"Received: path='.*{path.name}': .*{received}"
    ) as raised:
        read()
    assert time.process_time() - start < 2, text[:99]
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1000
    path.write_text(before)


def test_broken_plans(tmp_path):
    made_up.make_plan(tmp_path).save(tmp_path)
    path = tmp_path / "search.json"
    fields = json.loads(path.read_text())
    texts = list(BROKEN_JSON.values())
    texts += [json.dumps({key: fields[key] for key in fields if key != each}) for each in fields]
    texts.remove(json.dumps({key: fields[key] for key in fields if key != "proxy_samples"}))
    for name in ("engine", "oracle", "study", "trials", "final", "seed"):  # these have defaults
        texts.remove(json.dumps({key: fields[key] for key in fields if key != name}))
    wrong = [
        (("unknown",), 1),
        *((("trials",), value) for value in ("9", None, 0, [])),
        *(((name,), "x") for name in ("recipe", "space", "objective", "latency", "data_fields")),
        (("oracle",), ["pareto"]),
        (("engine",), ["optuna"]),
        (("engine",), "ax"),
        (("study",), 3),
        (("latency", "threads"), "2"),
        (("latency", "runs"), None),
        (("latency", "unknown"), 1),
        (("latency", "precision"), {}),
        (("objective", "target_ms"), "x"),
        (("objective", "weight"), None),
        (("space", "depth"), 3),
        (("space", "depth"), ["2"]),
        (("space", "heads"), None),
        (("space", "prefix_kind"), [["vgg"]]),
        (("recipe", "epochs"), "45"),
        (("data_fields", "unknown"), 1),
        (("data_fields", "input_shape"), 16),
    ]
    texts += [other(fields, *keys, value=value) for keys, value in wrong]
    for text in texts:
        refuses(lambda: SearchPlan.load(tmp_path), path, text)


def test_broken_records(tmp_path):
    folder = tmp_path / "trials" / "trial_3"
    folder.mkdir(parents=True)
    values = next(iter(made_up.SMALL.points()))
    figures = {"latency_ms": 1.5, "ratio": 0.5, "accuracy": 0.5, "score": 0.5}
    record = Record("3", values, status="trained", **figures)
    record.save(folder)
    assert read_records(tmp_path) == [record]
    path = folder / "record.json"
    fields = json.loads(path.read_text())
    wrong = [
        *((("trial",), each) for each in ("4", "../../elsewhere", 3, None)),
        *((("status",), each) for each in ("done", ["trained"], None)),
        *((("latency_ms",), each) for each in (-1, None, "fast")),
        *((("accuracy",), each) for each in (None, 2, True)),
        *((("score",), each) for each in (None, "x")),
        (("values",), []),
        (("values", "heads"), None),
        (("values", "depth"), -1),
        (("starts",), "1"),
        (("seconds",), None),
        (("unknown",), 1),
    ]
    texts = [*BROKEN_JSON.values(), json.dumps({"trial": "3"})]
    texts += [other(fields, *keys, value=value) for keys, value in wrong]
    texts += [other(fields, "score", value=float("nan"))]
    for text in texts:
        refuses(lambda: read_records(tmp_path), path, text)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """The directory of a Hyperband search that has finished, and its plan."""
    directory = tmp_path_factory.mktemp("search")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EdgeLatency, "measure", made_up.measure)
        patch.setattr("cctzoo.training.train", made_up.train)
        plan = made_up.make_plan(directory, oracle="hyperband", trials=4)
        run_trials(plan, directory)
    return directory, plan


def test_broken_files_of_keras_tuner(searched, tmp_path, capsys):
    """Among them ids that are paths, classes to build, and settings for loops without end."""
    directory, plan = searched
    shutil.copytree(directory, tmp_path / "copy")
    trials = tmp_path / "copy" / "trials"

    def resume():
        make_engine(plan, tmp_path / "copy")

    resume()
    hostile = [{"class_name": "Lambda", "config": {}}]
    trial = trials / "trial_0" / "trial.json"
    fields = json.loads(trial.read_text())
    wrong = [
        *((("trial_id",), each) for each in ("../../../elsewhere", "1", 0, None)),
        *((("hyperparameters", "space"), each) for each in ([], hostile, None)),
        (("hyperparameters", "values"), None),
        (("hyperparameters", "values", "depth"), 10**9),
        (("hyperparameters", "values", "depth"), "2"),
        (("hyperparameters", "values", "tuner/epochs"), "3"),
        (("hyperparameters", "values", "tuner/trial_id"), "../../elsewhere"),
        (("hyperparameters", "values", "unknown"), [1]),
        (("metrics",), {}),
        (("metrics", "metrics", "score"), 3),
        (("metrics", "metrics", "score", "direction"), "up"),
        (("metrics", "metrics", "score", "observations"), [{"value": ["x"], "step": 0}]),
        (("score",), "x"),
        (("status",), "DONE"),
    ]
    texts = [*BROKEN_JSON.values(), "{}"]
    for text in texts + [other(fields, *keys, value=value) for keys, value in wrong]:
        refuses(resume, trial, text)
    oracle = trials / "oracle.json"
    fields = json.loads(oracle.read_text())
    wrong = [
        (("ongoing_trials",), {"tuner0": "../elsewhere"}),
        (("hyperparameters", "space"), hostile),
        (("retry_queue",), ["99"]),
        (("end_order",), [0]),
        (("run_times",), {"0": "x"}),
        (("seed",), "x"),
        (("factor",), 1),
        (("max_epochs",), 10**9),
        (("current_bracket",), 10**9),
        (("brackets",), [{"bracket_num": 10**9, "rounds": [[]]}]),
        (("brackets",), [{"bracket_num": 0, "rounds": []}]),
        (("brackets",), [{"bracket_num": 0, "rounds": [[{"past_id": "../x", "id": "0"}]]}]),
        (("display",), None),
    ]
    for text in texts + [other(fields, *keys, value=value) for keys, value in wrong]:
        refuses(resume, oracle, text)
    refuses(resume, trials / "tuner0.json", "[1]")
    resume()


def test_broken_latencies(tmp_path, monkeypatch):
    meter = EdgeLatency(cache=str(tmp_path), command="time {model}")
    monkeypatch.setattr(latency, "_export", lambda config, path, precision: path.touch())
    monkeypatch.setattr(latency, "run_command", lambda command, model: 2.0)
    config = made_up.make_plan(tmp_path).base
    first = meter.measure(config)
    assert meter.measure(config) == first
    (path,) = {*tmp_path.glob("*.json")} - {*tmp_path.glob("anchor*")}
    wrong = [{}, {"measured": None}, {"measured": {}}, {"measured": first | {"ratio": -1}}]
    wrong += [{"measured": first | {"latency_ms": each}} for each in ("x", None, float("nan"), 0)]
    for text in [*BROKEN_JSON.values(), *map(json.dumps, wrong)]:
        refuses(lambda: meter.measure(config), path, text)
    path.unlink()
    (anchor,) = tmp_path.glob("anchor*.json")
    for text in [*BROKEN_JSON.values(), "{}", '{"anchor_ms": -1}', '{"anchor_ms": "x"}']:
        refuses(lambda: meter.measure(config), anchor, text)


def test_files_of_other_oracles_are_read(tmp_path, monkeypatch):
    """A space may have hyperparameters that are no choices."""
    monkeypatch.setattr(EdgeLatency, "measure", made_up.measure)
    monkeypatch.setattr("cctzoo.training.train", made_up.train)
    for oracle in ("pareto", "random", "bayesian"):
        plan = made_up.make_plan(tmp_path, oracle=oracle, trials=2)
        run_trials(plan, tmp_path / oracle)
        assert make_engine(plan, tmp_path / oracle).ask() is None
