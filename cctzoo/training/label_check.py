"""Wrong labels of a data set, found by the answers of models that did not train on them."""

from typing import NamedTuple

import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.messages import received
from cctzoo.typing import Array


class LabelCheck(NamedTuple):
    """What `check_labels` found.

    Args:
        questioned: indices of the samples whose labels are probably wrong, the most certain first:
            those whose suggested class has the largest lead over their label.
        suggested: the class that each of them probably has.
        noise: upper estimate of the share of wrong labels in the data set: what the models get
            wrong counts as a wrong label.
    """

    questioned: Array
    suggested: Array
    noise: float


@checked_arguments
def check_labels(
    probabilities: np.ndarray, labels: np.ndarray, least_probability: float = 0.5
) -> LabelCheck:
    """Finds labels that are probably wrong, by confident learning.

    A sample counts as one of class j if its probability of j is at least the mean of those of the
    samples that are labelled j; of several such classes, the most probable one is taken. The share
    of samples that count as one of another class than their label, among those of each label and
    weighted by the number of its samples, is the estimate of the noise. They are questioned if
    the other class also has `least_probability`: of weak models, most confusions are mistakes of
    their own. This last rule is ours.

    Args:
        probabilities: (n, classes), each by a model that was not trained on the sample.
        labels: (n,) integers.
        least_probability: of the suggested class, in [0, 1].

    Raises:
        ValueError: if the arrays do not fit together, or `least_probability` is out of range.

    Reference: Northcutt et al., "Confident Learning", arXiv 1911.00068.

    Example:
        ```python
        import numpy as np
        from cctzoo import training

        probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.9, 0.1]])
        found = training.check_labels(probabilities, np.array([0, 0, 1, 1, 1]))
        print(found.questioned, found.suggested)  # [4] [0]
        ```
    """
    _check(probabilities, labels)
    if not 0 <= least_probability <= 1:
        raise ValueError(
            "`least_probability` must be from 0 to 1. "
            f"{received(least_probability=least_probability)}"
        )
    samples, classes = probabilities.shape
    count = np.bincount(labels, minlength=classes)
    own = probabilities[np.arange(samples), labels]
    with np.errstate(invalid="ignore"):
        thresholds = np.bincount(labels, own, minlength=classes) / count
    thresholds[count == 0] = np.inf  # nothing is known about a class without samples
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    found = confident.argmax(axis=1)
    counted = confident[np.arange(samples), found] >= 0
    wrong = counted & (found != labels)
    suggested = probabilities[np.arange(samples), found]
    lead = suggested - own
    questioned = np.flatnonzero(wrong & (suggested >= least_probability))
    questioned = questioned[np.argsort(-lead[questioned], kind="stable")]
    of_label = np.bincount(labels[counted], minlength=classes)
    share = np.bincount(labels[wrong], minlength=classes) / np.maximum(of_label, 1)
    return LabelCheck(questioned, found[questioned], float(share @ count / samples))


def _check(probabilities, labels):
    """Raises ValueError unless the arrays are probabilities and labels of the same samples."""
    fits = probabilities.ndim == 2 and labels.shape == probabilities.shape[:1] and labels.size
    if not fits or labels.dtype.kind not in "iu":
        raise ValueError(
            "`probabilities` must be (n, classes), and `labels` (n,) integers, with n of at least "
            f"1. Received: probabilities of shape {probabilities.shape}, labels of shape "
            f"{labels.shape} and dtype {labels.dtype}"
        )
    if labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ValueError(
            f"`labels` must be from 0 to {probabilities.shape[1] - 1}. Received: labels from "
            f"{labels.min()} to {labels.max()}"
        )
    if not np.all(probabilities >= 0):  # not for NaN either
        raise ValueError(
            "`probabilities` must not be negative or NaN. Received: probabilities with "
            f"{np.count_nonzero(~(probabilities >= 0))} such values"
        )
