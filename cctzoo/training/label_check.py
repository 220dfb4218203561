"""Wrong labels of a data set, found by the answers of models that did not train on them."""

from typing import NamedTuple

import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.typing import Array


class LabelCheck(NamedTuple):
    """What `check_labels` found.

    Args:
        questioned: indices of the samples whose labels are probably wrong, the most certain first:
            those whose suggested class has the largest lead over their label.
        suggested: the class that each of them probably has.
        noise: estimate of the share of wrong labels in the data set.
    """

    questioned: Array
    suggested: Array
    noise: float


@checked_arguments
def check_labels(probabilities: np.ndarray, labels: np.ndarray) -> LabelCheck:
    """Finds labels that are probably wrong, by confident learning.

    A sample counts as one of class j if its probability of j is at least the mean of those of the
    samples that are labelled j; of several such classes, the most probable one is taken. A sample
    that counts as one of another class than its label is questioned. The share of such samples
    among those of each label, weighted by the number of its samples, is the estimate of the noise.

    Args:
        probabilities: (n, classes), each by a model that was not trained on the sample.
        labels: (n,) integers.

    Raises:
        ValueError: if the arrays do not fit together.

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
    lead = probabilities[np.arange(samples), found] - own
    questioned = np.flatnonzero(wrong)
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
