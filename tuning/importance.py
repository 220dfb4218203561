"""Which choices of a search matter: shares of the variance of its figures.

Reference: Hutter, Hoos and Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter
Importance", ICML 2014 (fANOVA). A random forest learns a figure from the trials; each tree then
predicts it for the models of the space, and the share of a choice is the variance of the means
over its values, divided by the variance over all models.
"""

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from cctzoo.models import CCTConfig, TextConfig
from cctzoo.typing import Array
from tuning.records import Record
from tuning.space import HYPERPARAMETERS, SearchSpace, point_config

LEAST_TRIALS = 20  # below, the forest mostly finds what is not there
LEAST_SCORE = 0.3  # of the forest on trials that a tree has not seen, as share of the variance
MOST_POINTS = 5000  # of the space; so many are drawn from a larger one
TREES = 100


@dataclasses.dataclass(frozen=True)
class Importance:
    """The shares of the variance of a figure that single choices explain.

    Attributes:
        figure: `"accuracy"` or `"latency_ms"`.
        trials: number of models that the forest has learned from.
        score: R2 of the forest on models that its trees have not seen; None if it has not
            learned.
        names: hyperparameters with more than one choice.
        shares: their share of the variance, the mean over the trees.
        spreads: the standard deviation of the share over the trees.
    """

    figure: str
    trials: int
    score: float | None
    names: list[str]
    shares: list[float]
    spreads: list[float]

    @property
    def is_reliable(self) -> bool:
        """Whether there are enough trials, and the forest explains enough of them."""
        enough = self.trials >= LEAST_TRIALS
        return enough and self.score is not None and self.score >= LEAST_SCORE


def measure_importance(
    records: Sequence[Record],
    space: SearchSpace,
    base: CCTConfig | TextConfig,
    figure: str,
    seed: int = 0,
) -> Importance:
    """Measures how much of the variance of a figure each choice explains alone.

    Models that were trained in several rounds of Hyperband count once, with the longest training.

    Args:
        records: the records of the trials.
        space: the space of the search.
        base: the config that fixes all other fields of the models.
        figure: `"accuracy"`, or `"latency_ms"`, of which the logarithm counts.
        seed: seed of the forest and of the points that are drawn from a large space.
    """
    names = [name for name in HYPERPARAMETERS if len(getattr(space, name)) > 1]
    known = _longest_trained(records, figure)
    values = np.array([getattr(each, figure) for each in known], float)
    if figure == "latency_ms":
        values = np.log(values)
    if len(known) < LEAST_TRIALS or not names or not np.ptp(values):
        return Importance(figure, len(known), None, names, [], [])
    from sklearn.ensemble import RandomForestRegressor  # only at the end of a search

    forest = RandomForestRegressor(TREES, max_features=0.7, oob_score=True, random_state=seed)
    forest.fit(_numbered([each.values for each in known], names, space), values)
    points = _numbered(models_of(space, base, seed), names, space)
    shares = np.array([_shares(tree.predict(points), points) for tree in forest.estimators_])
    return Importance(
        figure,
        len(known),
        float(forest.oob_score_),
        names,
        shares.mean(axis=0).tolist(),
        shares.std(axis=0).tolist(),
    )


def _longest_trained(records, figure):
    found = {}
    for record in sorted(records, key=lambda record: record.epochs):
        if getattr(record, figure) is not None:
            found[tuple(record.values[name] for name in HYPERPARAMETERS)] = record
    return list(found.values())


def models_of(
    space: SearchSpace, base: CCTConfig | TextConfig, seed: int = 0
) -> list[dict[str, Any]]:
    """Returns the points of a space that have a model; in a large space, those of a sample."""
    points = list(space.points())
    if len(points) > MOST_POINTS:
        chosen = np.random.default_rng(seed).choice(len(points), MOST_POINTS, replace=False)
        points = [points[i] for i in chosen]
    found = []
    for point in points:
        with contextlib.suppress(ValueError):
            point_config(point, base)
            found.append(point)
    return found


def _numbered(points, names, space) -> Array:
    """(points, names): each value as its position among the choices, float32 as in a tree."""
    places = {name: {v: i for i, v in enumerate(_ordered(space, name))} for name in names}
    return np.array([[places[name][each[name]] for name in names] for each in points], "float32")


def _ordered(space, name):
    """The choices of a hyperparameter: numbers by size, words as they come."""
    choices = getattr(space, name)
    return sorted(choices) if all(isinstance(each, int) for each in choices) else choices


def _shares(predicted: Array, points: Array) -> Array:
    """The share of each column of the points in the variance of one tree's predictions."""
    total = predicted.var()
    if not total:
        return np.zeros(points.shape[1])
    shares = []
    for column in points.T:
        groups = [predicted[column == value] for value in np.unique(column)]
        means, sizes = np.array([(each.mean(), len(each)) for each in groups]).T
        overall = np.average(means, weights=sizes)
        shares.append(np.average((means - overall) ** 2, weights=sizes) / total)
    return np.array(shares)
