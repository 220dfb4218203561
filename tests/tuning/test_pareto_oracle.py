"""ParetoOracle through KerasTuner's protocol: repeatable, exhaustive, and better than random."""

import json

import keras_tuner
import numpy as np
import pytest

from recipes.benchmarks import oracles as benchmark
from tuning import pareto
from tuning.keras_tuner_internals import BaseTuner, Trial
from tuning.pareto_oracle import ParetoOracle

pytestmark = pytest.mark.one_backend("jax")  # no model is trained


def make(directory, space=benchmark.space, **options):
    """Returns the tuner of a new project, or of an existing one."""
    options = {"max_trials": 40, "seed": 3, **options}
    oracle = ParetoOracle(hyperparameters=space(), **options)
    oracle.verbose = 0
    return BaseTuner(oracle, directory=directory, project_name="search")


def finish(oracle, trial, status="COMPLETED", **metrics):
    if metrics:
        oracle.update_trial(trial.trial_id, {"score": 0.0, **metrics})
    trial.status = status
    oracle.end_trial(trial)
    return trial.hyperparameters.values


def run_trials(oracle, steps):
    """Runs trials one after the other with the metrics of the table; returns their values."""
    values = []
    for _ in range(steps):
        trial = oracle.create_trial("tuner0")
        accuracy, latency = benchmark.made_up(trial.hyperparameters.values)
        values.append(finish(oracle, trial, accuracy=accuracy, latency_ms=2**latency))
    return values


def exhaust(oracle, metrics=lambda trial: {"accuracy": 0.5, "latency_ms": 1.0}):
    found = []
    while (trial := oracle.create_trial("tuner0")).status == "RUNNING":
        found.append(finish(oracle, trial, **metrics(trial)))
        assert len(found) < 1000
    assert trial.status == "STOPPED"
    return found


def conditional():
    """Returns a space with nested conditions: 3 + 2 * (1 + 3) points."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["attention", "conv"])
    with hp.conditional_scope("kind", ["conv"]):
        hp.Int("width", 2, 8, step=2, sampling="log")
    with hp.conditional_scope("kind", ["attention"]):
        hp.Choice("heads", [32, 64])
        hp.Boolean("shared")
        with hp.conditional_scope("shared", [True]):
            hp.Float("rate", 0.0, 1.0, step=0.5)
    hp.Fixed("classes", 10)
    return hp


def assert_consistent(values):
    hp = conditional()
    hp.values = values
    active = {each.name: each for each in hp.space if hp.is_active(each)}
    assert values.keys() == active.keys()
    for name, value in values.items():
        assert value in [*active[name].values]
        assert type(value) is type(active[name].default)


def distinct(found):
    return len({json.dumps(values, sort_keys=True) for values in found})


@pytest.mark.parametrize("seed", [0, 7])
def test_same_seed_gives_same_trials(tmp_path, seed):
    runs = [run_trials(make(tmp_path / str(n), seed=seed).oracle, 15) for n in range(2)]
    assert runs[0] == runs[1]
    assert runs[0] != run_trials(make(tmp_path / "other", seed=seed + 1).oracle, 15)
    assert distinct(runs[0]) == 15


@pytest.mark.parametrize("done", [2, 11])  # during the random trials, and later
def test_reloaded_search_proposes_the_same_trials(tmp_path, done):
    expected = run_trials(make(tmp_path / "whole").oracle, 16)
    tuner = make(tmp_path / "parts")
    begun = run_trials(tuner.oracle, done)
    tuner.save()
    lost = tuner.oracle.create_trial("tuner0")  # its worker dies
    again = make(tmp_path / "parts", seed=99).oracle  # the seed is the saved one
    assert again.trials.keys() == tuner.oracle.trials.keys()
    assert lost.hyperparameters.values == expected[done]
    assert begun + run_trials(again, 16 - done) == expected


def test_state_is_restored_from_json(tmp_path):
    oracle = make(tmp_path / "a").oracle
    run_trials(oracle, 9)
    state = json.loads(json.dumps(oracle.get_state()))
    copy = make(tmp_path / "b", seed=None).oracle
    copy.trials = {name: Trial.from_state(t.get_state()) for name, t in oracle.trials.items()}
    copy.set_state(state)
    assert copy.populate_space("09") == oracle.populate_space("09")


@pytest.mark.parametrize("seed", range(3))
def test_exhausts_a_conditional_space(tmp_path, seed):
    tuner = make(tmp_path, conditional, max_trials=None, seed=seed, population=3)
    metrics = np.random.default_rng(seed)
    found = exhaust(
        tuner.oracle, lambda trial: {"accuracy": metrics.random(), "latency_ms": metrics.random()}
    )
    assert len(found) == distinct(found) == 3 + 2 * (1 + 3)
    for values in found:
        assert_consistent(values)


def test_equal_names_under_different_conditions(tmp_path):
    def space():
        hp = conditional()
        with hp.conditional_scope("kind", ["attention"]):
            hp.Choice("width", [32, 64])
        return hp

    oracle = make(tmp_path, space).oracle
    with pytest.raises(ValueError, match=r"different names.*Received: \['width'\]"):
        oracle.populate_space("0")


def test_ranges_without_a_step(tmp_path):
    def space():
        hp = keras_tuner.HyperParameters()
        hp.Float("rate", 1e-4, 1e-1, sampling="log")
        hp.Int("steps", 1, 4, sampling="log")
        return hp

    found = exhaust(make(tmp_path, space).oracle)
    assert len(found) == distinct(found) == 40
    assert {values["steps"] for values in found} == {1, 2, 3, 4}
    assert all(1e-4 <= values["rate"] <= 1e-1 for values in found)


def test_hyperparameters_that_a_trial_adds(tmp_path):
    oracle = make(tmp_path, keras_tuner.HyperParameters, max_trials=None).oracle

    def discover(trial):
        trial.hyperparameters.Choice("heads", [4, 16, 64])
        return {"accuracy": 0.5, "latency_ms": 1.0}

    assert exhaust(oracle, discover)[0] == {"heads": 4}
    assert sorted(each.hyperparameters["heads"] for each in oracle.trials.values()) == [4, 16, 64]


def test_random_trials_use_all_values_equally(tmp_path):
    found = run_trials(make(tmp_path, population=12).oracle, 12)
    for name, count in [("depth", 6), ("embed_dim", 6), ("heads", 4), ("conv_prefix", 6)]:
        values = [point[name] for point in found]
        assert {values.count(value) for value in values} == {count}


def children(oracle, count=30):
    """Returns the next proposals with different seeds."""
    found = []
    for oracle.seed in range(count):
        found.append(oracle.populate_space("next")["values"])
    return found


def genes():
    """Returns a space so large that two random trials have no value in common."""
    hp = keras_tuner.HyperParameters()
    for name in "abcde":
        hp.Choice(name, [*range(10_000)], ordered=False)
    return hp


def shares(oracle):
    """Returns the share of the children's values that come from each finished trial."""
    found = [child.items() for child in children(oracle)]
    return {
        name: np.mean([len(child & trial.hyperparameters.values.items()) / 5 for child in found])
        for name, trial in oracle.trials.items()
    }


@pytest.mark.parametrize("best", [2, 9])
def test_children_inherit_from_the_best(tmp_path, best):
    oracle = make(tmp_path, genes, population=12).oracle
    for n in range(12):
        accuracy, latency = (0.9, 1.0) if n == best else (0.5 - 0.01 * n, 50.0 + n)
        finish(oracle, oracle.create_trial("tuner0"), accuracy=accuracy, latency_ms=latency)
    oracle.population = 2
    found = shares(oracle)
    parents = {f"{best:02}", "00"}
    assert sum(found[name] for name in parents) > 0.85  # the rest are mutations
    assert found[f"{best:02}"] > found["00"] > 0.1  # the tournament prefers the better parent
    assert not any(found[name] for name in found.keys() - parents)


def widths():
    hp = keras_tuner.HyperParameters()
    hp.Int("width", 0, 999)
    return hp


def distances(oracle, trial):
    center = trial.hyperparameters["width"]
    return [abs(child["width"] - center) for child in children(oracle)]


def test_over_budget_trials_lead_towards_the_budget(tmp_path):
    oracle = make(tmp_path, widths, population=2, max_trials=None).oracle
    for n in range(8):
        finish(oracle, oracle.create_trial("tuner0"), latency_ms=100.0 - n)
    trials = list(oracle.trials.values())
    assert all(trial.status == "COMPLETED" for trial in trials)
    near = np.minimum(distances(oracle, trials[-1]), distances(oracle, trials[-2]))
    assert np.median(near) < 150
    # When two trials have an accuracy, they are the parents, even if they are slow.
    trained = [oracle.create_trial(name) for name in ("tuner0", "tuner1")]
    for trial, accuracy in zip(trained, (0.2, 0.3), strict=True):
        finish(oracle, trial, accuracy=accuracy, latency_ms=200.0 + accuracy)
    near = np.minimum(*(distances(oracle, trial) for trial in trained))
    assert np.median(near) < 150


def test_failed_and_running_trials_have_no_children(tmp_path):
    options = {"population": 6, "max_trials": None, "max_consecutive_failed_trials": 99}
    oracle = make(tmp_path, genes, **options).oracle
    finish(oracle, oracle.create_trial("tuner0"), accuracy=0.1, latency_ms=50.0)
    for _ in range(3):
        finish(oracle, oracle.create_trial("tuner0"), "FAILED", accuracy=0.9, latency_ms=1.0)
    oracle.create_trial("tuner1")
    oracle.create_trial("tuner2")
    completed, *others = shares(oracle).values()
    assert completed > 0.7  # a child differs from its only parent: the rest are mutations
    assert not any(others)


def test_several_workers_through_messages(tmp_path):
    """As in a chief: trials overlap, end in another order and return as protocol buffers."""
    oracle = make(tmp_path, conditional, max_trials=None, population=3).oracle
    generator, workers, found = np.random.default_rng(0), ["a", "b", "c"], []
    while workers:
        name = workers[generator.integers(len(workers))]
        if name in oracle.ongoing_trials:
            trial = Trial.from_proto(oracle.ongoing_trials[name].to_proto())
            accuracy, latency = generator.random(2)
            found.append(finish(oracle, trial, accuracy=accuracy, latency_ms=latency))
        elif oracle.create_trial(name).status == "STOPPED":
            workers.remove(name)
    assert len(found) == distinct(found) == 3 + 2 * (1 + 3)
    for values in found:
        assert_consistent(values)


def test_front_of_the_benchmark_table():
    table = benchmark.table()
    assert len(table) == len(np.unique(table, axis=0)) == 200
    front = pareto.non_dominated(table)
    for (accuracy, latency), found in zip(table, front, strict=True):
        better = (table[:, 0] >= accuracy) & (table[:, 1] <= latency)
        assert found == (better.sum() == 1)  # itself


def test_better_than_random_search():
    seeds = range(10_000, 50_000, 10_000)
    found = {name: benchmark.volumes(name, seeds, [24])[:, 0] for name in ("random", "pareto")}
    assert (found["random"] < 1).all()
    assert found["pareto"].mean() > found["random"].mean() + 0.02


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population": 1}, "`population`.*at least 2. Received: population=1"),
        ({"seed": -1}, "`seed`.*at least 0. Received: seed=-1"),
        ({"seed": 0.5}, "`seed`.*integer.*Received: seed=0.5"),
    ],
)
def test_invalid_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        ParetoOracle(**options)
