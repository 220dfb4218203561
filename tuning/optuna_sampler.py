"""Optuna's samplers, of which every proposal is a new point."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

DRAWS = 20  # known points in a row before the space is enumerated

Values = dict[str, Any]


class NewPointSampler(BaseSampler):
    """Draws from another sampler until it proposes a new point.

    Optuna's samplers propose points again, and they propose points without a model: each would
    take a trial. After `DRAWS` such points in a row, a random new point is proposed.

    Args:
        sampler: the sampler to draw from.
        choices: the choices of each hyperparameter.
        is_new: whether a point may be proposed. At least one point must be new.
        seed: random seed of the enumeration.
    """

    def __init__(
        self,
        sampler: BaseSampler,
        choices: Mapping[str, Sequence],
        is_new: Callable[[Values], bool],
        seed: int,
    ):
        self.sampler = sampler
        self.choices = choices
        self.is_new = is_new
        self.seed = seed

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Returns all hyperparameters: a point is new or not as a whole."""
        return distributions(self.choices)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Values:
        """Returns a new point."""
        for _ in range(DRAWS):
            values = self._draw(study, trial, search_space)
            if self.is_new(values):
                return values
        sizes = [len(choices) for choices in self.choices.values()]
        for index in np.random.default_rng(self.seed).permutation(math.prod(sizes)):
            point = np.unravel_index(index, sizes)
            values = {
                name: choices[i]
                for (name, choices), i in zip(self.choices.items(), point, strict=True)
            }
            if self.is_new(values):
                return values
        raise ValueError("The space must have a new point. Received: a space without one")

    def _draw(self, study, trial, search_space):
        # A sampler chooses some hyperparameters together and leaves the others to chance.
        own = self.sampler.infer_relative_search_space(study, trial)
        values = self.sampler.sample_relative(study, trial, own)
        for name, distribution in search_space.items():
            if distribution.single():
                values[name] = self.choices[name][0]
            elif name not in values:
                values[name] = self.sampler.sample_independent(study, trial, name, distribution)
        return values

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draws one hyperparameter by the other sampler."""
        return self.sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Is called before each trial."""
        self.sampler.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Is called after each trial."""
        self.sampler.after_trial(study, trial, state, values)


def distributions(choices: Mapping[str, Sequence]) -> dict[str, BaseDistribution]:
    """Returns the choices of each hyperparameter in Optuna's form."""
    return {
        name: optuna.distributions.CategoricalDistribution(tuple(each))
        for name, each in choices.items()
    }


def make_sampler(
    name: str,
    first: int,
    choices: Mapping[str, Sequence],
    is_new: Callable[[Values], bool],
    seed: Sequence[int],
) -> NewPointSampler:
    """Makes the sampler of one proposal.

    Args:
        name: of one of Optuna's samplers, `"nsga2"`, `"tpe"` or `"random"`.
        first: number of random points before the sampler uses results; with `"nsga2"`, the size
            of a generation.
        choices: the choices of each hyperparameter.
        is_new: whether a point may be proposed. At least one point must be new.
        seed: that of the search, and what makes it different for each proposal.
    """
    number = int(np.random.SeedSequence(seed).generate_state(1)[0])
    if name == "nsga2":
        sampler = NSGAIISampler(population_size=first, seed=number)
    elif name == "tpe":
        # Hyperparameters are chosen together: one by one is slower, and was worse on the table of
        # recipes/benchmarks/oracles.py.
        sampler = TPESampler(n_startup_trials=first, multivariate=True, seed=number)
    else:
        sampler = RandomSampler(seed=number)
    return NewPointSampler(sampler, choices, is_new, number)
