"""Weights of the classes in the loss, for classes of different size."""

from typing import Any

import numpy as np

from cctzoo.typing import Array


def balanced_weights(y: Array, classes: int) -> Array:
    """Returns weights with which every class counts the same: n / (classes * count).

    They are those of scikit-learn's `class_weight="balanced"`; their mean over the samples is 1.

    Args:
        y: labels (n,), from 0 to `classes` - 1.
        classes: number of classes. A class without samples has the weight 0 and is not counted.

    Returns:
        (classes,) float32.
    """
    counts = np.bincount(y, minlength=classes)
    present = counts > 0
    weights = len(y) / (present.sum() * np.maximum(counts, 1))
    return np.where(present, weights, 0).astype("float32")


def check_class_weights(weights: Any, classes: int) -> Array | None:
    """Returns weights of the classes as float32, or None if none are given.

    Raises:
        ValueError: unless there is one finite weight per class, none negative and not all 0.
    """
    if weights is None:
        return None
    try:
        found = np.asarray(weights, "float32")
    except (TypeError, ValueError):  # not numbers, or rows of different lengths
        found = np.empty(0, "float32")
    good = found.shape == (classes,) and np.isfinite(found).all()
    if not good or found.min() < 0 or not found.any():
        raise ValueError(
            "`class_weights` must hold one finite weight per class: none negative, not all 0. "
            f"Received: class_weights={weights!r}, classes={classes}"
        )
    return found


def with_weights(targets: Array, weights: Array | None) -> tuple[Array, ...]:
    """Returns targets (B, classes) and, if the classes have weights, sample weights (B,).

    A mixed target gives the mixture of the weights of its classes.
    """
    return (targets,) if weights is None else (targets, targets @ weights)
