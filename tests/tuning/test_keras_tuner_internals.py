"""KerasTuner's private names, and what the search does with them."""

import collections
import importlib

import keras_tuner
import pytest

pytestmark = pytest.mark.one_backend("jax")  # no model is trained

NAMES = {
    "keras_tuner.engine.base_tuner.BaseTuner": ["_is_worker", "_get_tuner_fname", "get_trial_dir"],
    "keras_tuner.engine.hyperparameters.Int": [],
    "keras_tuner.engine.trial.Trial": [],
    "keras_tuner.engine.trial.TrialStatus": ["RUNNING", "STOPPED", "COMPLETED"],
    "keras_tuner.Oracle": [
        "_duplicate",
        "_random_values",
        "_get_oracle_fname",
        "_save_trial",
        "_get_trial_dir",
    ],
}


@pytest.mark.parametrize("path", NAMES)
def test_private_names_of_keras_tuner(path):
    module, _, name = path.rpartition(".")
    hint = (
        f"KerasTuner {keras_tuner.__version__} has changed; adapt tuning/keras_tuner_internals.py"
    )
    try:
        owner = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"{path} does not exist. {hint} ({error})")
    missing = [attribute for attribute in NAMES[path] if not hasattr(owner, attribute)]
    assert not missing, f"{path} has no {missing}. {hint}"


class Watched(keras_tuner.oracles.RandomSearchOracle):
    """Counts the calls of the overridden methods."""

    def __init__(self, **options):
        super().__init__(objective=keras_tuner.Objective("score", "max"), **options)
        self.calls = collections.Counter()

    def _duplicate(self, values):
        self.calls["_duplicate"] += 1
        return super()._duplicate(values)

    def _save_trial(self, trial):
        self.calls["_save_trial"] += 1
        return super()._save_trial(trial)

    def save(self):
        self.calls["save"] += 1
        return super().save()


@pytest.fixture
def oracle(tmp_path):
    hp = keras_tuner.HyperParameters()
    hp.Choice("width", [1])
    oracle = Watched(hyperparameters=hp, max_trials=2, seed=1)
    oracle.verbose = 0
    internals = importlib.import_module("tuning.keras_tuner_internals")
    internals.BaseTuner(oracle, directory=tmp_path, project_name="trials")
    return oracle


def test_keras_tuner_calls_the_overridden_methods(oracle):
    oracle.create_trial("tuner0")
    hint = f"in KerasTuner {keras_tuner.__version__}"
    for name in ("_duplicate", "_save_trial", "save"):
        assert oracle.calls[name], f"create_trial does not call {name} {hint}"


def test_private_attributes_of_an_oracle(oracle):
    hint = f"in KerasTuner {keras_tuner.__version__}"
    trial = oracle.create_trial("tuner0")
    before = oracle.calls["_duplicate"]
    oracle._max_collisions = 7
    assert oracle.create_trial("tuner1").status == "STOPPED"  # the only point is tried
    assert oracle.calls["_duplicate"] == before + 8, f"_max_collisions has no effect {hint}"
    oracle.ongoing_trials = {}
    oracle._retry_queue.append(trial.trial_id)
    again = oracle.create_trial("tuner2")
    assert again.trial_id == trial.trial_id, f"_retry_queue has no effect {hint}"


def test_values_of_hyperband():
    from tuning.keras_tuner_internals import hyperband_round

    hp = keras_tuner.HyperParameters()
    hp.Choice("width", [1, 2, 3, 4, 5, 6, 7, 8])
    oracle = keras_tuner.oracles.HyperbandOracle(
        objective=keras_tuner.Objective("score", "max"), max_epochs=4, hyperparameters=hp, seed=1
    )
    values = oracle.populate_space("0")["values"]
    first = hyperband_round(values)
    assert (first.initial_epoch, first.trial) == (0, None)
    assert 1 <= first.epochs <= 4
    assert hyperband_round({"width": 1}) is None
