"""Trials: proposed once, timed before training, resumed after a kill, recorded if they fail."""

import errno
import json
import os

import pytest

from cctzoo import training
from tests.tuning import made_up
from tuning import trials
from tuning.engine import ORACLES
from tuning.latency import EdgeLatency
from tuning.plan import LatencyObjective
from tuning.records import read_records

pytestmark = pytest.mark.one_backend("jax")  # no model is trained


@pytest.fixture(autouse=True)
def no_training(monkeypatch):
    monkeypatch.setattr(EdgeLatency, "measure", made_up.measure)
    monkeypatch.setattr(training, "train", made_up.train)
    monkeypatch.setattr(trials.keras.utils, "clear_session", lambda: None)  # takes 0.2 s


engines = pytest.mark.parametrize("engine", ORACLES)


def run(plan, directory):
    trials.run_trials(plan, directory)
    return read_records(directory)


@pytest.mark.parametrize(
    ("engine", "oracle"), [(engine, each) for engine in ORACLES for each in ORACLES[engine]]
)
def test_same_seed_same_trials_and_no_model_twice(engine, oracle, tmp_path):
    count = 4 if oracle == "bayesian" else 8  # KerasTuner needs seconds for an optimum
    plan = made_up.make_plan(tmp_path, engine=engine, oracle=oracle, trials=count)
    records = run(plan, tmp_path / "a")
    assert made_up.points(records) == made_up.points(run(plan, tmp_path / "b"))
    assert {record.status for record in records} == {"trained"}
    first_rounds = [record for record in records if not record.values.get("tuner/trial_id")]
    configs = [plan.config(record.values) for record in first_rounds]
    assert len(set(configs)) == len(configs) >= 4


@engines
def test_another_seed_gives_other_trials(engine, tmp_path):
    records = [
        run(
            made_up.make_plan(tmp_path, engine=engine, oracle=None, seed=seed), tmp_path / str(seed)
        )
        for seed in (0, 1)
    ]
    assert made_up.points(records[0]) != made_up.points(records[1])


@engines
def test_a_small_space_is_exhausted(engine, tmp_path):
    plan = made_up.make_plan(tmp_path, engine=engine, oracle=None, trials=1000)
    assert len(run(plan, tmp_path / "a")) == plan.space.count_models(plan.base)


def test_hyperband_trains_earlier_models_further(tmp_path, monkeypatch):
    started = []

    def train(recipe, directory):
        started.append((recipe.start_from, recipe.epochs, recipe.warmup_epochs < recipe.epochs))
        return made_up.train(recipe, directory)

    monkeypatch.setattr(training, "train", train)
    records = run(made_up.make_plan(tmp_path, oracle="hyperband", trials=20), tmp_path / "a")
    later = [record for record in records if record.values.get("tuner/trial_id")]
    assert later
    for record in later:
        before = tmp_path / "a" / "trials" / f"trial_{record.values['tuner/trial_id']}"
        values = record.values
        epochs = values["tuner/epochs"] - values["tuner/initial_epoch"]
        assert (str(before / "run" / "model.keras"), epochs, True) in started


@engines
def test_models_over_the_budget_are_not_trained(engine, tmp_path):
    plan = made_up.make_plan(
        tmp_path, engine=engine, oracle=None, objective=LatencyObjective(budget_ms=10.0), trials=20
    )
    records = run(plan, tmp_path / "a")
    assert {record.status for record in records} == {"trained", "over budget"}
    for record in records:
        assert (record.status == "trained") == (record.latency_ms <= 10)
        assert (record.score > 0) == (record.status == "trained")
        assert (tmp_path / "a/trials" / f"trial_{record.trial}" / "run").exists() == (
            record.status == "trained"
        )
        assert record.reason is None or "the budget is 10 ms" in record.reason


@engines
def test_a_failed_trial_does_not_end_the_search(engine, tmp_path, monkeypatch):
    def train(recipe, directory):
        if recipe.changes["heads"][0] == 16:
            raise training.TrainingDiverged("the loss is\nnot finite")
        return made_up.train(recipe, directory)

    monkeypatch.setattr(training, "train", train)
    records = run(made_up.make_plan(tmp_path, engine=engine, oracle=None, trials=7), tmp_path / "a")
    assert len(records) == 7
    failed = [record for record in records if record.status == "failed"]
    assert 0 < len(failed) < 7
    assert failed[0].reason == "TrainingDiverged: the loss is not finite"


@engines
def test_a_missing_package_ends_the_search_without_a_failed_trial(engine, tmp_path, monkeypatch):
    def train(recipe, directory):
        raise ModuleNotFoundError("No module named 'scipy'")

    monkeypatch.setattr(training, "train", train)
    with pytest.raises(RuntimeError, match="trial 0: No module named 'scipy'"):
        run(made_up.make_plan(tmp_path, engine=engine, oracle=None), tmp_path / "a")
    monkeypatch.setattr(training, "train", made_up.train)
    assert {
        record.status
        for record in run(made_up.make_plan(tmp_path, engine=engine, oracle=None), tmp_path / "a")
    } == {"trained"}


@engines
def test_five_failed_trials_end_the_search(engine, tmp_path, monkeypatch):
    def measure(self, config):
        raise RuntimeError("no phone")

    monkeypatch.setattr(EdgeLatency, "measure", measure)
    with pytest.raises(RuntimeError, match=r"(?s)consecutive failures.*no phone"):
        run(made_up.make_plan(tmp_path, engine=engine, oracle=None), tmp_path / "a")


@pytest.mark.parametrize(
    ("engine", "oracle"),
    [
        *(("keras_tuner", oracle) for oracle in ("random", "pareto", "hyperband")),
        *(("optuna", oracle) for oracle in ORACLES["optuna"]),
    ],
)
@pytest.mark.parametrize("at", [0, 3])
def test_resumes_after_a_kill(engine, oracle, at, tmp_path, monkeypatch):
    plan = made_up.make_plan(tmp_path, engine=engine, oracle=oracle)
    whole = run(plan, tmp_path / "whole")
    monkeypatch.setattr(training, "train", killed_at(at))
    with pytest.raises(KeyboardInterrupt):
        run(plan, tmp_path / "a")
    assert [record.status for record in read_records(tmp_path / "a")][at] == "running"
    monkeypatch.setattr(training, "train", made_up.train)
    records = run(plan, tmp_path / "a")
    assert made_up.points(records) == made_up.points(whole)
    assert [record.score for record in records] == [record.score for record in whole]
    assert records[at].starts == 2


def killed_at(number):
    trained = []

    def train(recipe, directory):
        if len(trained) == number:
            raise KeyboardInterrupt
        trained.append(directory)
        return made_up.train(recipe, directory)

    return train


def test_kill_between_trial_json_and_oracle_json(tmp_path, monkeypatch):
    plan = made_up.make_plan(tmp_path)
    monkeypatch.setattr(training, "train", killed_at(2))
    with pytest.raises(KeyboardInterrupt):
        run(plan, tmp_path / "a")
    state = tmp_path / "a" / "trials" / "oracle.json"
    oracle = json.loads(state.read_text())
    assert list(oracle["ongoing_trials"].values()) == ["2"]
    oracle["ongoing_trials"] = {}
    oracle["start_order"].remove("2")
    state.write_text(json.dumps(oracle))
    monkeypatch.setattr(training, "train", made_up.train)
    records = run(plan, tmp_path / "a")
    assert [record.status for record in records] == ["trained"] * plan.trials


@engines
def test_a_trial_that_kills_its_process_fails(engine, tmp_path, monkeypatch):
    plan = made_up.make_plan(tmp_path, engine=engine, oracle=None, trials=3)
    for _ in range(trials.MOST_STARTS):
        monkeypatch.setattr(training, "train", killed_at(0))
        with pytest.raises(KeyboardInterrupt):
            run(plan, tmp_path / "a")
    monkeypatch.setattr(training, "train", made_up.train)
    statuses = [record.status for record in run(plan, tmp_path / "a")]
    assert sorted(statuses) == ["failed", "trained", "trained"]


@engines
@pytest.mark.parametrize("writes", [3, 5, 8, 11])
def test_full_disk(engine, writes, tmp_path, monkeypatch):
    plan = made_up.make_plan(tmp_path, engine=engine, oracle=None)
    replace, done = os.replace, []

    def full(source, target):
        done.append(target)
        if len(done) > writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(Exception, match="No space left"):
        run(plan, tmp_path / "a")
    monkeypatch.setattr(os, "replace", replace)
    records = run(plan, tmp_path / "a")
    assert [record.status for record in records] == ["trained"] * plan.trials
    assert not list((tmp_path / "a").rglob(".cctzoo-*"))
