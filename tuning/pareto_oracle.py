"""ParetoOracle: multi-objective search over accuracy and latency by evolution."""

import collections
from collections.abc import Callable, Iterator
from typing import Any

import keras_tuner
import numpy as np

from tuning import pareto
from tuning.keras_tuner_internals import Int, ResumableOracle, Trial, TrialStatus

SCORE = keras_tuner.Objective("score", "max")
# Changed values per child. Crossover already makes most children new, and on tables like that of
# recipes/benchmarks/oracles.py fewer changes find more: 1 and 0.5 were worse.
MUTATIONS = 0.3
DRAWS = 20  # duplicate children in a row before the oracle enumerates the space

Values = dict[str, Any]
Preference = Callable[[Any], list]  # from a hyperparameter to its values, preferred ones first


class ParetoOracle(ResumableOracle, keras_tuner.Oracle):
    """Proposes trials along the Pareto front of accuracy against latency.

    The algorithm is steady-state NSGA-II. The first `population` trials are random and use all
    values of a hyperparameter equally often. Every later trial is a child of two of the best
    finished trials, ordered by front and then by crowding distance; each parent is the better of
    two that are drawn at random. A child takes every hyperparameter from either parent, and
    sometimes changes one, mostly to a neighbouring value if the values are ordered. A proposal
    does not wait for running trials, so that all workers are always busy.

    No point is tried twice, even if its trial is running or has failed, and the search ends when
    a finite space is exhausted. A proposal depends only on the seed and the trials so far: a
    reloaded search proposes the same trials as one that was never interrupted.

    A completed trial with a latency but without an accuracy exceeded the latency budget and was
    not trained: it ranks behind all trials with an accuracy, the fastest first. Failed trials
    have no children.

    Args:
        objective: KerasTuner's objective for `get_best_trials`; does not affect the search.
        max_trials: largest number of trials. Default: until the space is exhausted.
        population: number of random trials at the start, at least 2. It is also the smallest
            number of parents, once as many trials have finished; all trials on the front are
            parents.
        accuracy: name of the metric to maximise; the last reported value counts.
        latency: name of the metric to minimise, positive; the last reported value counts.
        seed: random seed, at least 0. Default: a random one.
        options: other keywords of `keras_tuner.Oracle`, e.g. `hyperparameters`.

    Raises:
        ValueError: if `population` or `seed` is too small or not an integer.

    Reference: Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002,
    doi:10.1109/4235.996017 (section VI: the rank of points that violate a constraint).
    """

    def __init__(
        self,
        objective: keras_tuner.Objective = SCORE,
        max_trials: int | None = None,
        population: int = 6,
        accuracy: str = "accuracy",
        latency: str = "latency_ms",
        seed: int | None = None,
        **options: Any,
    ):
        for name, value, least in (("population", population, 2), ("seed", seed or 0, 0)):
            if not isinstance(value, int) or value < least:
                raise ValueError(
                    f"`{name}` must be an integer of at least {least}. Received: {name}={value}"
                )
        super().__init__(objective=objective, max_trials=max_trials, seed=seed, **options)
        if seed is not None:
            self.seed = seed  # KerasTuner replaces 0 by a random seed
        self.population = population
        self.accuracy = accuracy
        self.latency = latency

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Chooses the values of a new trial.

        Args:
            trial_id: id of the new trial; ignored.

        Returns:
            `{"status": "RUNNING", "values": ...}` with a value for each active hyperparameter,
            or `{"status": "STOPPED"}` if all points of the space were tried.

        Raises:
            ValueError: if hyperparameters under different conditions have the same name.
        """
        names = collections.Counter(hp.name for hp in self.hyperparameters.space)
        if repeated := [name for name, count in names.items() if count > 1]:
            # KerasTuner's `ensure_active_values` removes the value of an active hyperparameter
            # if an inactive one has the same name.
            raise ValueError(
                "Hyperparameters must have different names, because KerasTuner loses values of "
                f"equal names under different conditions. Received: {repeated} more than once"
            )
        generator = np.random.default_rng([self.seed, len(self.trials)])
        parents = self._parents() if len(self.trials) >= self.population else []
        for _ in range(DRAWS):
            values = next(self._walk(self._child(parents, generator)))
            if not self.is_duplicate(values):
                return {"status": TrialStatus.RUNNING, "values": values}
        # Enumerate all points, those that resemble one more child first. After at most as many
        # steps as there are trials, a point is new.
        for values in self._walk(self._child(parents, generator)):
            if not self.is_duplicate(values):
                return {"status": TrialStatus.RUNNING, "values": values}
        return {"status": TrialStatus.STOPPED}

    def _parents(self) -> list[Values]:
        """Returns the values of the best finished trials, the best first."""
        trained, untrained = [], []
        for _, trial in sorted(self.trials.items()):
            accuracy, latency = _metric(trial, self.accuracy), _metric(trial, self.latency)
            if trial.status == TrialStatus.COMPLETED and 0 < latency < np.inf:
                group = trained if np.isfinite(accuracy) else untrained
                # Latencies of a space span decades: crowding in ms would see only the slowest.
                group.append((accuracy, np.log(latency), trial.hyperparameters.values))
        points = np.array([entry[:2] for entry in trained]).reshape(-1, 2)
        fronts = pareto.ranks(points)
        crowding = np.zeros(len(points))
        for rank in set(fronts):
            crowding[fronts == rank] = pareto.crowding_distance(points[fronts == rank])
        best = [trained[i] for i in np.lexsort((-crowding, fronts))]
        best += sorted(untrained, key=lambda entry: entry[1])
        size = max(self.population, np.sum(fronts == 0))
        return [values for *_, values in best[:size]]

    def _child(self, parents: list[Values], generator: np.random.Generator) -> Preference:
        """Draws a child of two parents, or a random point if there are no parents."""
        # Binary tournaments: the parents are in order, so the smaller of two indices wins.
        pair = [parents[min(generator.integers(len(parents), size=2))] for _ in range(2) if parents]
        rate = MUTATIONS / max(map(len, pair), default=1)
        uses = collections.Counter()
        if not pair:
            for trial in self.trials.values():
                uses.update(trial.hyperparameters.values.items())

        def preference(hp):
            genes = [values[hp.name] for values in pair if hp.name in values]
            gene = genes[generator.integers(len(genes))] if genes else None
            values = _preferred_values(hp, gene, generator.random() < rate, generator)
            return sorted(values, key=lambda value: uses[hp.name, value])

        return preference

    def _walk(self, preference: Preference, values: Values | None = None) -> Iterator[Values]:
        """Yields all points of the space, depth first.

        A hyperparameter is chosen as soon as its conditions hold for the values so far. Its place
        in the space does not matter: messages between chief and workers do not keep the order.
        """
        values = values or {}
        for hp in self.hyperparameters.space:
            if hp.name not in values and all(each.is_active(values) for each in hp.conditions):
                for value in preference(hp):
                    yield from self._walk(preference, {**values, hp.name: value})
                return
        yield values


def _metric(trial: Trial, name: str) -> float:
    """Returns the last value of a metric, NaN without one."""
    return trial.metrics.get_last_value(name) if trial.metrics.exists(name) else np.nan


def _preferred_values(hp, gene, mutate, generator) -> list:
    """Orders the values of a hyperparameter by distance to the gene; mutation puts it last."""
    ordered = getattr(hp, "ordered", hasattr(hp, "step"))
    values = _all_values(hp)
    if values is None:
        value, another = (hp.prob_to_value(generator.random()) for _ in range(2))
        if gene is not None:
            value = gene
            if mutate:
                share = hp.value_to_prob(gene) + generator.normal(0, 0.1)
                value = hp.prob_to_value(min(max(share, 0.0), 1.0))
        return [value, another]
    waits = generator.exponential(size=len(values))
    if gene in values:
        position = values.index(gene)
        if ordered:  # each step away halves the odds; a tenth of a long range counts as one step
            steps = np.abs(np.arange(len(values)) - position) / max(1, len(values) / 10)
            waits *= 2.0**steps
        waits[position] = np.inf if mutate else 0
    return [values[i] for i in np.argsort(waits)]


def _all_values(hp) -> list | None:
    """Returns all values that KerasTuner draws, in order; `None` for floats without a step."""
    if getattr(hp, "step", 1) is not None:
        count = len(list(hp.values))
        # `hp.values` of an integer with logarithmic sampling are floats.
        return [hp.prob_to_value((i + 0.5) / count) for i in range(count)]
    return list(range(hp.min_value, hp.max_value + 1)) if isinstance(hp, Int) else None
