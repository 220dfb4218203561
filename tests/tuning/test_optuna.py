"""OptunaEngine: its journal and databases, and the trials of workers that are killed."""

import importlib
import json
import multiprocessing
import os
import signal
import sqlite3

import optuna
import pytest

from cctzoo import training
from cctzoo.formats.lock import HIDDEN
from tests.tuning import made_up
from tests.tuning.test_broken_files import refuses
from tuning import optuna_storage, trials
from tuning.engine import make_engine
from tuning.latency import EdgeLatency
from tuning.plan import LatencyObjective, SearchPlan
from tuning.records import read_records

pytestmark = [
    pytest.mark.one_backend("jax"),  # no model is trained
    # The forked processes do not use JAX, which warns of forks.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <function _at_fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def no_training(monkeypatch):
    monkeypatch.setattr(EdgeLatency, "measure", made_up.measure)
    monkeypatch.setattr(training, "train", made_up.train)
    monkeypatch.setattr(trials.keras.utils, "clear_session", lambda: None)  # takes 0.2 s


def make_plan(tmp_path, **changes):
    return made_up.make_plan(tmp_path, **{"engine": "optuna", "trials": 3} | changes)


def make_database_plan(tmp_path):
    address = f"sqlite:///{tmp_path / 'search.db'}"
    return make_plan(tmp_path, storage=address, study="mine")


def run(plan, directory):
    trials.run_trials(plan, directory)
    return read_records(directory)


def study_of(directory):
    return optuna_storage.TrialQueue(directory).study


def ask_and_die(plan, directory, kill=True):
    """Asks for a trial in another process, which is killed with SIGKILL or waits for its end."""

    def work(asked, end):
        engine = make_engine(plan, directory)
        asked.send(engine.ask().trial)
        if kill:
            os.kill(os.getpid(), signal.SIGKILL)
        end.recv()

    context = multiprocessing.get_context("fork")
    (asked, asks), (ends, end) = context.Pipe(duplex=False), context.Pipe(duplex=False)
    process = context.Process(target=work, args=(asks, ends))
    process.start()
    trial = asked.recv()
    if kill:
        process.join()
        assert process.exitcode == -signal.SIGKILL
    return trial, process, end


def test_private_names_of_optuna():
    hint = f"Optuna {optuna.__version__} has changed; adapt tuning/optuna_storage.py"
    module = importlib.import_module("optuna.storages._heartbeat")
    assert hasattr(module, "get_heartbeat_thread"), hint


def test_a_killed_worker_loses_no_trial(tmp_path):
    """The worker that is left runs the trial next, although no process was restarted."""
    plan = make_plan(tmp_path)
    undisturbed = run(plan, tmp_path / "whole")
    lost, *_ = ask_and_die(plan, tmp_path / "a")
    engine = make_engine(plan, tmp_path / "a")
    assert engine.ask().trial == lost
    engine.close()
    records = run(plan, tmp_path / "a")
    assert [record.status for record in records] == ["trained"] * plan.trials
    assert made_up.points(records) == made_up.points(undisturbed)
    states = [trial.state.name for trial in study_of(tmp_path / "a").trials]
    assert sorted(states) == ["COMPLETE"] * 3 + ["FAIL"] * 2


def test_a_worker_that_lives_keeps_its_trial(tmp_path):
    plan = make_plan(tmp_path)
    taken, process, end = ask_and_die(plan, tmp_path, kill=False)
    engine = make_engine(plan, tmp_path)
    other = engine.ask()
    assert other.trial != taken
    end.send(None)
    process.join()
    engine.tell(trials.run_trial(plan, tmp_path, other))
    assert engine.ask().trial == taken
    engine.close()


def test_heartbeats_of_a_database(tmp_path):
    """Without heartbeats for two minutes, a trial goes back to the queue."""
    plan = make_database_plan(tmp_path)
    lost, *_ = ask_and_die(plan, tmp_path)
    engine = make_engine(plan, tmp_path)
    other = engine.ask()
    assert other.trial != lost  # its worker may be alive
    engine.tell(trials.run_trial(plan, tmp_path, other))
    with sqlite3.connect(tmp_path / "search.db") as database:
        database.execute(
            "update trial_heartbeats set heartbeat = datetime(heartbeat, '-121 seconds')"
        )
    assert engine.ask().trial == lost
    engine.close()


def test_a_kill_while_a_trial_goes_back_to_the_queue(tmp_path, monkeypatch):
    plan = make_plan(tmp_path)
    lost, *_ = ask_and_die(plan, tmp_path)
    engine = make_engine(plan, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(optuna.Study, "add_trial", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.ask()
    assert make_engine(plan, tmp_path).ask().trial == lost


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_kill_while_a_trial_is_chosen(tmp_path, monkeypatch):
    """A trial of the study that has no id yet is no trial of the search."""
    plan = make_plan(tmp_path)
    engine = make_engine(plan, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(optuna.Trial, "set_user_attr", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.ask()
    records = run(plan, tmp_path)
    assert [record.trial for record in records] == ["0", "1", "2"]


def test_a_line_of_the_journal_that_a_full_disk_has_cut(tmp_path):
    plan = make_plan(tmp_path)
    engine = make_engine(plan, tmp_path)
    engine.tell(trials.run_trial(plan, tmp_path, engine.ask()))
    journal = tmp_path / optuna_storage.JOURNAL
    with journal.open("ab") as file:
        file.write(b'{"op_code":')
    assert [record.status for record in run(plan, tmp_path)] == ["trained"] * 3


@pytest.mark.parametrize("oracle", ["nsga2", "tpe"])
def test_the_budget_is_a_constraint(oracle, tmp_path):
    plan = make_plan(tmp_path, oracle=oracle, trials=8, objective=LatencyObjective(budget_ms=10.0))
    records = run(plan, tmp_path)
    told = {trial.user_attrs["record"]: trial for trial in study_of(tmp_path).trials}
    over = [record for record in records if record.status == "over budget"]
    assert over
    for record in records:
        (constraint,) = told[record.trial].constraints.values()
        assert constraint == pytest.approx(record.latency_ms / 10 - 1)
        assert told[record.trial].values == [record.accuracy or 0.0, record.latency_ms]


def test_broken_journals(tmp_path):
    """Among them an id that is a path, and values that are not in the space."""
    plan = make_plan(tmp_path)
    engine = make_engine(plan, tmp_path)
    engine.tell(trials.run_trial(plan, tmp_path, engine.ask()))
    journal = tmp_path / optuna_storage.JOURNAL
    lines = journal.read_text().splitlines()

    def changed(name, **changes):
        """Returns the journal with changes of the operation that sets a field."""
        index = max(i for i, line in enumerate(lines) if f'"{name}"' in line)
        operation = json.loads(lines[index]) | changes
        return "\n".join([*lines[:index], json.dumps(operation), *lines[index + 1 :]]) + "\n"

    def resume():
        engine = make_engine(plan, tmp_path)
        engine.ask()
        engine.close()

    texts = [
        "x\n",
        "[1]\n",
        '{"op_code": 99}\n',
        changed("directions", directions=[1, 1]),
        changed("directions", directions=None),
        changed("record", user_attr={"record": "../../elsewhere"}),
        changed("record", user_attr={"record": 1}),
        changed("record", user_attr={"record": ["0"]}),
        changed("depth", param_value_internal=9),
        changed("depth", distribution='{"name": "Lambda", "attributes": {}}'),
        changed(
            "depth",
            distribution='{"name": "CategoricalDistribution", "attributes": {"choices": [3]}}',
            param_value_internal=0,
        ),
    ]
    for text in texts:
        refuses(resume, journal, text)
    resume()


def test_a_plan_without_the_address_of_its_database(tmp_path):
    """A file does not name the address: it may have a password, and comes from elsewhere."""
    plan = make_database_plan(tmp_path)
    plan.save(tmp_path)
    assert "sqlite" not in (tmp_path / "search.json").read_text()
    with pytest.raises(ValueError, match=r"`storage` must be given again.*names a study"):
        SearchPlan.load(tmp_path)
    cache = plan.latency.cache
    assert SearchPlan.load(tmp_path, latency_cache=cache, storage=plan.storage) == plan
    make_plan(tmp_path).save(tmp_path)
    with pytest.raises(ValueError, match=r"only then.*names no study"):
        SearchPlan.load(tmp_path, storage=plan.storage)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": "ax"}, "engine='ax'"),
        ({"oracle": "pareto"}, "with the engine 'optuna'. Received: oracle='pareto'"),
        ({"engine": "keras_tuner", "oracle": "nsga2"}, "'keras_tuner'. Received: oracle='nsga2'"),
        ({"study": "mine"}, "study='mine', and storage is not given"),
        ({"storage": "sqlite://"}, "study=None, and storage is given"),
        ({"engine": "keras_tuner", "storage": "sqlite://", "study": "a"}, "engine='keras_tuner'"),
        ({"study": 3}, "`study` must be a text"),
    ],
)
def test_plans_of_engines(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        make_plan(tmp_path, **{"oracle": None} | changes)


@pytest.mark.parametrize("address", ["nonsense", "sqlite:////nowhere/search.db"])
def test_a_database_that_cannot_be_opened(address, tmp_path):
    with pytest.raises(ValueError, match="`storage` must be the address of a database") as raised:
        make_engine(make_plan(tmp_path, storage=address, study="mine"), tmp_path / "a")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "a").exists()


def test_no_lock_is_left(tmp_path):
    run(make_plan(tmp_path), tmp_path / "a")
    assert not list((tmp_path / "a").rglob(f"{HIDDEN}*"))
    assert not list((tmp_path / "a").glob("*.lock"))
