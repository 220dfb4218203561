"""From the outputs of a classifier to decisions, and the labels that they are compared with.

The classes of a model that ends with softmax or with logits exclude each other: the decision is
the class with the highest output. The outputs of a model that ends with sigmoid are independent
labels, one or several (binary and multi-label models): each is decided by its side of 0.5. A
single logit is decided by its sign.
"""

from typing import Any, Literal

import numpy as np

from cctzoo.typing import Array


def threshold_of(config: Any) -> float | None:
    """The threshold of each output; None where the classes exclude each other.

    Args:
        config: the `config` of a `CCT` or a `SoftCommittee` with a classifier.
    """
    if config.classifier_activation == "sigmoid":
        return 0.5
    return 0.0 if config.classes == 1 else None


def decision_kind(config: Any) -> Literal["top1", "threshold"] | None:
    """How outputs become decisions; None for a model without a classifier."""
    if not config.include_top:
        return None
    return "top1" if threshold_of(config) is None else "threshold"


def decide(config: Any, outputs: Array) -> Array:
    """Returns what a model's outputs decide, to be compared with `check_labels`.

    Args:
        config: the config of the model, which has a classifier.
        outputs: (n, classes).

    Returns:
        (n,) classes, or (n, classes) of 0 and 1 if each label has its own threshold. As in
        Keras' binary accuracy, an output that equals the threshold gives 0.
    """
    threshold = threshold_of(config)
    if threshold is None:
        return outputs.argmax(axis=1)
    return (outputs > threshold).astype("int64")


def probabilities(config: Any, outputs: Array) -> Array:
    """Returns the probabilities of the classes, or of the labels, for a model's outputs.

    Args:
        config: the config of the model, which has a classifier.
        outputs: (n, classes).

    Returns:
        (n, classes) float64; (n, 2) for a model with one output.
    """
    outputs = np.asarray(outputs, dtype="float64")
    if config.classifier_activation is None:
        if threshold_of(config) is None:
            outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            outputs /= outputs.sum(axis=1, keepdims=True)
        else:
            outputs = 1 / (1 + np.exp(-outputs))
    return np.concatenate([1 - outputs, outputs], axis=1) if config.classes == 1 else outputs


def check_labels(config: Any, labels: Any, samples: int, argument: str = "labels") -> Array:
    """Returns labels as integers, in the shape of `decide`.

    Args:
        config: the config of a model.
        labels: (n,) or (n, 1) classes; for independent labels (n, classes) of 0 and 1, and for
            one of them also (n,).
        samples: n, the number of samples.
        argument: name of the argument that holds the labels, for the error.

    Raises:
        ValueError: if the model has no classifier, or the labels have another shape or other
            values.
    """
    kind = decision_kind(config)
    if kind is None:
        raise ValueError(
            f"`{argument}` need a model with a classifier. Received: include_top=False"
        )
    given = np.asarray(labels)
    if given.shape[:1] != (samples,):
        raise ValueError(
            f"`{argument}` must hold one label for each sample. "
            f"Received: {len(np.atleast_1d(given))} labels, {samples} samples"
        )
    if kind == "threshold":
        width, limit = config.classes, 2
        rule = f"0 or 1 for each of the {width} outputs, which are independent labels"
    else:
        width, limit = 1, config.classes
        rule = f"one class from 0 to {limit - 1} for each sample, (n,) and not one-hot"
    shapes = {(samples, width), (samples,) if width == 1 else ()}
    if given.shape not in shapes or given.dtype.kind not in "biuf":
        raise ValueError(
            f"`{argument}` must hold {rule}. "
            f"Received: {argument} of {given.dtype}, shape {given.shape}"
        )
    if not np.isin(given, range(limit)).all():
        raise ValueError(
            f"`{argument}` must hold {rule}. "
            f"Received: {argument} from {given.min()} to {given.max()}"
        )
    return given.astype("int64").reshape((samples, width) if kind == "threshold" else samples)
