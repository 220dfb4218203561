"""KerasTuner's oracles of a search, which propose every architecture at most once."""

from typing import Any

from keras_tuner import oracles

from cctzoo.models import CCTConfig, TextConfig
from tuning.engine import MOST_FAILURES
from tuning.keras_tuner_internals import ResumableOracle, hyperband_round
from tuning.pareto_oracle import SCORE, ParetoOracle
from tuning.space import SearchSpace, point_config


class ScreenedOracle(ResumableOracle):
    """Mixin for an oracle that proposes only models, and every model once.

    KerasTuner compares the values of the hyperparameters, and different values may describe equal
    models. Here a point counts as tried if its config was tried, and also if it has no model.

    Args:
        space: the search space.
        base: the config that fixes all other fields.
        options: keywords of the oracle.
    """

    def __init__(self, space: SearchSpace, base: CCTConfig | TextConfig, **options: Any):
        self.base = base
        super().__init__(
            objective=SCORE,
            hyperparameters=space.hyperparameters(),
            max_consecutive_failed_trials=MOST_FAILURES,
            **options,
        )

    def populate_space(self, trial_id):
        answer = super().populate_space(trial_id)
        values = answer.get("values")
        if values is None or not self.is_duplicate(values):
            return answer
        hyperband = hyperband_round(values)
        if hyperband and hyperband.trial:
            return answer  # a later round trains the model of an earlier trial again
        values = self.random_values()  # in place of an optimum of BayesianOracle
        return {"status": "RUNNING" if values else "STOPPED", "values": values}

    def is_duplicate(self, values: dict[str, Any]) -> bool:
        """Whether the values have no model, or a model that was tried."""
        try:
            config = point_config(values, self.base)
        except ValueError:
            return True
        tried = (trial.hyperparameters.values for trial in self.trials.values())
        return any(config == point_config(each, self.base) for each in tried)


class RandomOracle(ScreenedOracle, oracles.RandomSearchOracle):
    """Random search."""


class BayesianOracle(ScreenedOracle, oracles.BayesianOptimizationOracle):
    """Bayesian optimisation of the score. A restart changes the random state."""


class HyperbandOracle(ScreenedOracle, oracles.HyperbandOracle):
    """Hyperband: trains many models for few epochs, and the best of them for more epochs."""


class FrontOracle(ScreenedOracle, ParetoOracle):
    """Multi-objective search over accuracy and latency."""


def make_oracle(
    name: str,
    space: SearchSpace,
    base: CCTConfig | TextConfig,
    trials: int,
    epochs: int,
    seed: int,
) -> ScreenedOracle:
    """Makes an oracle.

    Args:
        name: one of `engine.ORACLES` of KerasTuner.
        space: the search space.
        base: the config that fixes all other fields.
        trials: largest number of trials. Hyperband may finish its rounds earlier.
        epochs: epochs of a trial's training; with Hyperband, of the longest training.
        seed: random seed, at least 0.
    """
    seed = 10_000 * seed + 1  # KerasTuner ignores 0, and neighbouring seeds draw equal values
    first = max(3, trials // 3)  # random points before the oracle uses results
    if name == "random":
        return RandomOracle(space, base, max_trials=trials, seed=seed)
    if name == "bayesian":
        return BayesianOracle(space, base, max_trials=trials, num_initial_points=first, seed=seed)
    if name == "hyperband":
        oracle = HyperbandOracle(space, base, max_epochs=epochs, seed=seed)
        oracle.max_trials = trials
        return oracle
    return FrontOracle(space, base, max_trials=trials, population=first, seed=seed)
