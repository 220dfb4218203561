"""Evaluation: accuracy, top-5 accuracy, loss, accuracy per class and the confusion matrix."""

from typing import Any

import numpy as np

from cctzoo.data import EncodedImages, take
from cctzoo.typing import Array

CHUNK = 16  # batches that are decoded at once


def predict(model: Any, x: Array | EncodedImages, batch_size: int = 64) -> Array:
    """Returns the outputs of a model for any number of samples.

    Args:
        model: a `CCT` or a `SoftCommittee`.
        x: images, `EncodedImages`, token ids (n, length) or, for a model with a vocabulary,
            texts (n,) as str objects.
        batch_size: samples per batch.

    Returns:
        (n, classes) float32: logits, or probabilities if the model ends with softmax.
    """
    if isinstance(x, np.ndarray) and x.dtype == object:
        x = model.vocabulary(x)
    parts = []
    for start in range(0, len(x), CHUNK * batch_size):
        count = min(CHUNK * batch_size, len(x) - start)
        # The last batch is filled up from the front: one shape, and equal parts for all devices.
        padded = -(-count // batch_size) * batch_size
        places = np.arange(start, start + padded) % len(x)
        outputs = model.predict(take(x, places), batch_size=batch_size, verbose=0)
        parts.append(outputs[:count].astype("float32"))
    return np.concatenate(parts)


def evaluate(
    model: Any, x: Array | EncodedImages, y: Array, batch_size: int = 64
) -> dict[str, float]:
    """Evaluates a model on labelled samples.

    Args:
        model: a `CCT` or a `SoftCommittee` that returns logits.
        x: samples, see `predict`.
        y: labels (n,).
        batch_size: samples per batch.

    Returns:
        A dict of `accuracy`, `loss` (cross-entropy) and, with more than five classes,
        `top5_accuracy`.
    """
    return figures(predict(model, x, batch_size), y)


def figures(logits: Array, labels: Array) -> dict[str, float]:
    """Returns the figures of `evaluate` for logits (n, classes) and labels (n,)."""
    from scipy.special import log_softmax  # here: SciPy comes with the optional scikit-learn

    order = np.argsort(-logits, axis=1, kind="stable")
    # Not Keras' loss: inside tf.distribute it returns one replica's part of the mean.
    found = {
        "accuracy": float((order[:, 0] == labels).mean()),
        "loss": float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()),
    }
    if logits.shape[1] > 5:
        found["top5_accuracy"] = float((order[:, :5] == labels[:, None]).any(1).mean())
    return found


def confusion(logits: Array, labels: Array) -> Array:
    """Returns the confusion matrix (classes, classes): true classes in rows, counts."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(labels, logits.argmax(1), labels=range(logits.shape[1]))


def class_accuracies(matrix: Array, classes: list[str]) -> dict[str, float | None]:
    """Returns the accuracy per class name; `None` for a class without samples."""
    return {
        name: float(row[index] / row.sum()) if row.sum() else None
        for index, (name, row) in enumerate(zip(classes, matrix, strict=True))
    }
