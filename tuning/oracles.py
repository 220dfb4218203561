"""The oracles that propose points, made to exclude what is no new model, and to survive kills."""

import json
from pathlib import Path

import keras_tuner
from keras_tuner import oracles

from cctzoo.formats.atomic import write_text
from tuning.pareto_oracle import ParetoOracle

ORACLES = ("pareto", "random", "bayesian", "hyperband")
OBJECTIVE = keras_tuner.Objective("score", "max")
REDRAWS = 1000  # before a space counts as exhausted; KerasTuner's 20 give up small ones early


class Screened:
    """An oracle (the class beside it) that proposes each architecture once.

    KerasTuner knows points that were tried by their values. Here a point counts as tried if
    its architecture was, or if it is no model. The state is written to files that are whole
    after a kill and on a full disk, and a trial that was begun when the process was killed is
    done first after it.

    Args:
        hypermodel: a `CCTHyperModel`.
        keywords: of the oracle.
    """

    def __init__(self, hypermodel, **keywords):
        self.hypermodel = hypermodel
        super().__init__(
            objective=OBJECTIVE,
            hyperparameters=hypermodel.space.hyperparameters(),
            max_consecutive_failed_trials=5,
            **keywords,
        )
        self._max_collisions = REDRAWS

    def populate_space(self, trial_id):
        answer = super().populate_space(trial_id)
        values = answer.get("values")
        if values is None or "tuner/trial_id" in values or not self._duplicate(values):
            return answer  # Hyperband trains a model on that was tried: that is meant
        values = self._random_values()  # for a Bayesian optimum that is no new model
        return {"status": "RUNNING" if values else "STOPPED", "values": values}

    def _duplicate(self, values):
        try:
            config = self.hypermodel.config(values)
        except ValueError:
            return True
        tried = (trial.hyperparameters.values for trial in self.trials.values())
        return any(config == self.hypermodel.config(each) for each in tried)

    def save(self):
        write_text(self._get_oracle_fname(), json.dumps(self.get_state()))

    def _save_trial(self, trial):
        path = Path(self._get_trial_dir(trial.trial_id), "trial.json")
        write_text(path, json.dumps(trial.get_state()))

    def reload(self):
        super().reload()
        known = {*self.end_order, *self._retry_queue}
        self._retry_queue += [trial_id for trial_id in self.trials if trial_id not in known]


class RandomOracle(Screened, oracles.RandomSearchOracle):
    """Random search."""


class BayesianOracle(Screened, oracles.BayesianOptimizationOracle):
    """Bayesian optimisation of the score; after a restart its random state is a new one."""


class HyperbandOracle(Screened, oracles.HyperbandOracle):
    """Hyperband: many points for few epochs, the best of them for more."""


class FrontOracle(Screened, ParetoOracle):
    """Multi-objective search over accuracy and latency."""


def make_oracle(name, hypermodel, trials, epochs, seed):
    """An oracle by name.

    Args:
        name: one of `ORACLES`.
        hypermodel: a `CCTHyperModel`.
        trials: to propose at most. Hyperband may have done its rounds before.
        epochs: of a trial's training; Hyperband's longest.
        seed: of all that is random, at least 0.
    """
    seed = 10_000 * seed + 1  # KerasTuner takes 0 for none, and draws alike from neighbours
    first = max(3, trials // 3)  # points at random, before what is learnt has a say
    if name == "random":
        return RandomOracle(hypermodel, max_trials=trials, seed=seed)
    if name == "bayesian":
        return BayesianOracle(hypermodel, max_trials=trials, num_initial_points=first, seed=seed)
    if name == "hyperband":
        oracle = HyperbandOracle(hypermodel, max_epochs=epochs, seed=seed)
        oracle.max_trials = trials
        return oracle
    return FrontOracle(hypermodel, max_trials=trials, population=first, seed=seed)
