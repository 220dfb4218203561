"""ParetoOracle: KerasTuner's search with two aims, accuracy and latency, by evolution."""

import collections

import keras_tuner
import numpy as np
from keras_tuner.engine.hyperparameters import Int
from keras_tuner.engine.trial import TrialStatus

from tuning import pareto

SCORE = keras_tuner.Objective("score", "max")
# Values changed per child. Crossover alone makes most children new, and on tables like that of
# compare_oracles.py less change finds more: 1 and 0.5 were worse.
MUTATIONS = 0.3
DRAWS = 20  # children that turn out to be known, before the space is walked through


class ParetoOracle(keras_tuner.Oracle):
    """Proposes trials that spread along the front of accuracy against latency.

    Steady-state NSGA-II: the first `population` trials are random, with every value of a
    hyperparameter as often as the others. Each later one is a child of two of the best finished
    so far (by front, then by crowding distance; each the better of two drawn): every
    hyperparameter from either parent, now and then one changed, if it is ordered mostly to a
    neighbouring value. Nothing waits for running trials, so any number of workers is kept busy.

    No point is tried twice, whether it ran, runs or failed, and the search ends when a finite
    space is exhausted. (What counts as the same is KerasTuner's `_duplicate`, as in its own
    oracles.) A proposal depends on nothing but the seed and the trials so far: a
    reloaded search goes on as if it had never stopped.

    A completed trial with a latency but no accuracy was not worth training (it was over the
    latency budget): it ranks behind all trials with an accuracy, the faster the better. Failed
    trials are no parents.

    Args:
        objective: KerasTuner's own, for `get_best_trials`; has no influence on the search.
        max_trials: how many at most. Default: until the space is exhausted.
        population: random trials at the start, and the least number of parents to choose
            from, at least 2; all of the front are.
        accuracy: name of the metric to raise; the last value reported counts.
        latency: name of the metric to lower, positive; the last value reported counts.
        seed: from 0. Default: any.
        **options: as in `keras_tuner.Oracle`: `hyperparameters`, `max_retries_per_trial`, ...

    Raises:
        ValueError: for a population or a seed that is too small or no integer.

    Reference: Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002,
    doi:10.1109/4235.996017 (section VI: the rank of what breaks a constraint).
    """

    def __init__(
        self,
        objective=SCORE,
        max_trials=None,
        population=6,
        accuracy="accuracy",
        latency="latency_ms",
        seed=None,
        **options,
    ):
        for name, value, least in (("population", population, 2), ("seed", seed or 0, 0)):
            if not isinstance(value, int) or value < least:
                raise ValueError(
                    f"`{name}` must be an integer of at least {least}. Received: {name}={value}"
                )
        super().__init__(objective=objective, max_trials=max_trials, seed=seed, **options)
        if seed is not None:
            self.seed = seed  # KerasTuner takes 0 for "any"
        self.population = population
        self.accuracy = accuracy
        self.latency = latency

    def populate_space(self, trial_id):
        """Chooses the values of a new trial.

        Args:
            trial_id: of the new trial; without influence.

        Returns:
            `{"status": "RUNNING", "values": ...}` with a value for each active hyperparameter,
            or `{"status": "STOPPED"}` when all points of the space were tried.

        Raises:
            ValueError: for a space with one name under several conditions.
        """
        names = collections.Counter(hp.name for hp in self.hyperparameters.space)
        if twice := [name for name, count in names.items() if count > 1]:
            # Its `ensure_active_values` removes the value that an inactive namesake has not.
            raise ValueError(
                "Every hyperparameter must have a name of its own: KerasTuner loses the values of "
                f"namesakes under other conditions. Received: {twice} more than once"
            )
        generator = np.random.default_rng([self.seed, len(self.trials)])
        parents = self._parents() if len(self.trials) >= self.population else []
        for _ in range(DRAWS):
            values = next(self._walk(self._child(parents, generator)))
            if not self._duplicate(values):
                return {"status": TrialStatus.RUNNING, "values": values}
        # So many known ones in a row: now every point, those like one more child first. An
        # untried one comes after as many steps as there are trials, at the latest.
        for values in self._walk(self._child(parents, generator)):
            if not self._duplicate(values):
                return {"status": TrialStatus.RUNNING, "values": values}
        return {"status": TrialStatus.STOPPED}

    def _parents(self):
        """The values of the best finished trials, the best first."""
        trained, untrained = [], []
        for _, trial in sorted(self.trials.items()):
            accuracy, latency = _metric(trial, self.accuracy), _metric(trial, self.latency)
            if trial.status == TrialStatus.COMPLETED and 0 < latency < np.inf:
                group = trained if np.isfinite(accuracy) else untrained
                # Latencies of a space span decades: in ms, crowding would see only the slowest.
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

    def _child(self, parents, generator):
        """A function from a hyperparameter to its values: the child's own, then the others."""
        # Binary tournaments: the parents are in order, so the smaller of two indices wins.
        pair = [parents[min(generator.integers(len(parents), size=2))] for _ in "ab" if parents]
        rate = MUTATIONS / max(map(len, pair), default=1)
        uses = collections.Counter()
        if not pair:
            for trial in self.trials.values():
                uses.update(trial.hyperparameters.values.items())

        def preference(hp):
            genes = [values[hp.name] for values in pair if hp.name in values]
            gene = genes[generator.integers(len(genes))] if genes else None
            values = _preference(hp, gene, generator.random() < rate, generator)
            return sorted(values, key=lambda value: uses[hp.name, value])

        return preference

    def _walk(self, preference, values=None):
        """Goes through all points of the space, depth first.

        A hyperparameter's turn comes when its conditions hold for the values given so far,
        whatever its place in the space: the order is lost on the way between chief and workers.
        """
        values = values or {}
        for hp in self.hyperparameters.space:
            if hp.name not in values and all(each.is_active(values) for each in hp.conditions):
                for value in preference(hp):
                    yield from self._walk(preference, {**values, hp.name: value})
                return
        yield values


def _metric(trial, name):
    """The last value reported, NaN if there is none."""
    return trial.metrics.get_last_value(name) if trial.metrics.exists(name) else np.nan


def _preference(hp, gene, mutate, generator):
    """The values of a hyperparameter: near the gene if there is one, without it if mutated."""
    ordered = getattr(hp, "ordered", hasattr(hp, "step"))
    values = _values(hp)
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
        here = values.index(gene)
        if ordered:  # each step away halves the odds; a tenth of a long range is one step
            steps = np.abs(np.arange(len(values)) - here) / max(1, len(values) / 10)
            waits *= 2.0**steps
        waits[here] = np.inf if mutate else 0
    return [values[i] for i in np.argsort(waits)]


def _values(hp):
    """All that KerasTuner draws, in order; None for real numbers without a step."""
    if getattr(hp, "step", 1) is not None:
        count = len(list(hp.values))
        # Not `hp.values` itself: those of an integer on a log scale are floats there.
        return [hp.prob_to_value((i + 0.5) / count) for i in range(count)]
    return list(range(hp.min_value, hp.max_value + 1)) if isinstance(hp, Int) else None
