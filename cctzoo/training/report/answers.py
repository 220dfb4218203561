"""What a model answers on a test part: mistakes, and figures per class."""

from typing import Any

import numpy as np

from cctzoo.models.decisions import probabilities
from cctzoo.training.evaluation import confusion
from cctzoo.typing import Array

WORST = 24  # most confident wrong answers
PER_CONFUSION = 12  # samples of one pair of classes
PER_CLASS = 4  # least confident right answers of a class
MOST_IN_MATRIX = 100  # classes; the cells of more would be smaller than a finger by far
MOST_PAIRS = 300  # rows of the table of confusions


def describe_answers(outputs: Array, labels: Array, config: Any, most: int) -> dict[str, Any]:
    """Returns the figures of a page about the answers on a test part.

    Args:
        outputs: (n, classes), as `evaluation.predict` returns them.
        labels: (n,) classes.
        config: config of the model, whose activation made the outputs.
        most: number of samples that the page can show.

    Returns:
        A dict for `pages.page`: `matrix` (counts, true classes in rows) of the classes
        `matrix_classes`, `pairs` (true class, predicted class, count), figures per class in
        `per_class`, the samples to show in `shown`, and the number of the `worst` among them,
        which come first.
    """
    predicted = outputs.argmax(axis=1)
    confidence = probabilities(config, outputs)[np.arange(len(labels)), predicted]
    matrix = confusion(outputs, labels)
    chosen, worst = choose_samples(labels, predicted, confidence, most)
    kept = _most_confused(matrix)
    return {
        "matrix": matrix[np.ix_(kept, kept)],
        "matrix_classes": kept,
        "pairs": _pairs(matrix),
        "per_class": _per_class(matrix),
        "shown": {
            "sample": chosen,
            "truth": labels[chosen],
            "predicted": predicted[chosen],
            "confidence": confidence[chosen].astype("float32"),
        },
        "worst": worst,
    }


def choose_samples(
    labels: Array, predicted: Array, confidence: Array, most: int
) -> tuple[Array, int]:
    """Chooses at most `most` samples to show.

    The most confident wrong answers come first. Then each pair of classes that are confused has
    its turn, again and again, each with its most confident answers; then the least confident
    right answers of each class.

    Returns:
        The indices of the samples, and how many of them are the most confident wrong answers.
    """
    wrong = np.flatnonzero(predicted != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    worst = wrong[: min(WORST, most)]
    pairs = labels[wrong] * (1 + int(max(labels.max(), predicted.max()))) + predicted[wrong]
    turns = _turns(pairs)
    rest = wrong[np.argsort(turns, kind="stable")]
    rest = rest[np.sort(turns) < PER_CONFUSION]
    right = np.flatnonzero(predicted == labels)
    right = right[np.argsort(confidence[right], kind="stable")]
    turns = _turns(labels[right])
    right = right[np.argsort(turns, kind="stable")][np.sort(turns) < PER_CLASS]
    rest = rest[~np.isin(rest, worst)]
    return np.concatenate([worst, rest, right])[:most], len(worst)


def _turns(groups: Array) -> Array:
    """Numbers the members of each group in their order: [a, b, a] becomes [0, 0, 1]."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    turns = np.empty(len(groups), int)
    turns[order] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return turns


def _most_confused(matrix: Array) -> Array:
    """The classes of the matrix in the page, in their order: those with the most mistakes."""
    if len(matrix) <= MOST_IN_MATRIX:
        return np.arange(len(matrix))
    mistakes = matrix - np.diag(np.diag(matrix))
    involved = mistakes.sum(axis=0) + mistakes.sum(axis=1)
    return np.sort(np.argsort(-involved, kind="stable")[:MOST_IN_MATRIX])


def _pairs(matrix: Array) -> Array:
    """(pairs, 3): true class, predicted class and count of the most frequent confusions."""
    mistakes = matrix - np.diag(np.diag(matrix))
    truth, predicted = np.nonzero(mistakes)
    found = np.stack([truth, predicted, mistakes[truth, predicted]], axis=1)
    return found[np.argsort(-found[:, 2], kind="stable")[:MOST_PAIRS]]


def _per_class(matrix: Array) -> dict[str, Array]:
    """Counts, precision, recall and F1 of each class; NaN where a class has none."""
    right = np.diag(matrix).astype(float)
    count, answers = matrix.sum(axis=1), matrix.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return {
            "count": count,
            "answers": answers,
            "precision": right / answers,
            "recall": right / count,
            "f1": 2 * right / (count + answers),
        }
