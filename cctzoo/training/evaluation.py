"""Evaluation: accuracies, loss and the confusion matrix."""

import math
from typing import Any

import keras
import numpy as np

from cctzoo import limits
from cctzoo.arguments import check_batch_size, checked_arguments
from cctzoo.data import EncodedImages, take
from cctzoo.data.samples import check_sample_shape
from cctzoo.messages import received
from cctzoo.models.decisions import check_labels, decide, threshold_of
from cctzoo.training.devices import shared_size
from cctzoo.typing import Array

CHUNK = 16  # batches that are decoded at once
LEAST = 1e-7  # probability whose logarithm is taken for smaller ones, as in Keras


@checked_arguments
def predict(
    model: keras.Model, x: Array | EncodedImages, batch_size: int = 64, mirrored: bool = False
) -> Array:
    """Returns the outputs of a model for any number of samples.

    Args:
        model: a `CCT` or a `SoftCommittee`.
        x: images, `EncodedImages`, token ids (n, length) or, for a model with a vocabulary,
            texts (n,) as str objects.
        batch_size: samples per batch.
        mirrored: return the means of the outputs for each image and for its mirror image, left to
            right, in twice the time.

    Returns:
        (n, classes) float32: logits, or probabilities if the model ends with softmax or sigmoid.

    Raises:
        ValueError: if a value is out of range, or the samples do not fit the model, or texts are
            to be mirrored.
    """
    check_batch_size(batch_size)
    if mirrored and model.config.kind != "images":
        raise ValueError(f"Only images can be mirrored. {received(mirrored=mirrored)}")
    if isinstance(x, np.ndarray) and x.dtype == object:
        x = model.vocabulary(x)
    check_sample_shape(x, model.input_shape[1:], "x")
    size = 4 * math.prod(model.input_shape[1:]) * batch_size  # also of an incomplete batch
    limits.check("array_bytes", size, "The bytes of a batch", batch_size=batch_size)
    batch_size = shared_size(batch_size)
    parts = []
    for start in range(0, len(x), CHUNK * batch_size):
        count = min(CHUNK * batch_size, len(x) - start)
        # The last batch is filled up from the front: one shape, and equal parts for all devices.
        padded = -(-count // batch_size) * batch_size
        places = np.arange(start, start + padded) % len(x)
        samples = take(x, places)
        outputs = model.predict(samples, batch_size=batch_size, verbose=0)
        if mirrored:
            samples = np.ascontiguousarray(samples[:, :, ::-1])
            outputs = (outputs + model.predict(samples, batch_size=batch_size, verbose=0)) / 2
        parts.append(outputs[:count].astype("float32"))
    return np.concatenate(parts)


@checked_arguments
def evaluate(
    model: keras.Model,
    x: Array | EncodedImages,
    y: Array,
    batch_size: int = 64,
    mirrored: bool = False,
) -> dict[str, float]:
    """Evaluates a model on labelled samples.

    A model that ends with softmax, or with logits of several classes, predicts the class with
    the highest output. A model that ends with sigmoid, or with one logit, is binary or
    multi-label: each output predicts a label of its own, which is compared by its side of the
    threshold (0.5, or 0 for a logit).

    Args:
        model: a `CCT` or a `SoftCommittee`.
        x: samples, see `predict`.
        y: the classes, integers (n,). For a multi-label model (n, classes) of 0 and 1, for a
            binary model (n,) or (n, 1).
        batch_size, mirrored: as in `predict`.

    Returns:
        A dict of `accuracy` (the share of the right classes, or of the right labels), `loss`
        (cross-entropy, or binary cross-entropy), `mean_class_accuracy` (the mean of the
        accuracies of the classes that have samples, also called balanced accuracy; for labels,
        the mean over the labels and their two sides) and, with more than five classes that
        exclude each other, `top5_accuracy`.

    Raises:
        ValueError: if there are no samples, the labels do not fit the model and the samples, or
            the model has no classifier.
    """
    labels = check_labels(model.config, y, len(x), "y")
    return figures(predict(model, x, batch_size, mirrored), labels, model.config)


def figures(outputs: Array, labels: Array, config: Any) -> dict[str, float]:
    """Returns the figures of `evaluate` for the outputs of a model with this config.

    Args:
        outputs: (n, classes), as `predict` returns them.
        labels: (n,) classes, or (n, classes) of 0 and 1, see `check_labels`.
        config: config of the model whose activation made the outputs.
    """
    decided = decide(config, outputs)
    found = {"accuracy": float((decided == labels).mean())}
    # Not Keras' loss: inside tf.distribute it returns one replica's part of the mean.
    if threshold_of(config) is not None:
        found["loss"] = float(_binary_losses(outputs, labels, config).mean())
        found["mean_class_accuracy"] = _mean_label_accuracy(decided, labels)
        return found
    rows = np.arange(len(labels))
    if config.classifier_activation == "softmax":
        found["loss"] = float(-np.log(np.maximum(outputs[rows, labels], LEAST)).mean())
    else:
        found["loss"] = float(-_log_softmax(outputs)[rows, labels].mean())
    matrix = confusion(outputs, labels)
    counts = matrix.sum(axis=1)
    found["mean_class_accuracy"] = float((np.diag(matrix)[counts > 0] / counts[counts > 0]).mean())
    if outputs.shape[1] > 5:
        order = np.argsort(-outputs, axis=1, kind="stable")
        found["top5_accuracy"] = float((order[:, :5] == labels[:, None]).any(1).mean())
    return found


def confusion(outputs: Array, labels: Array) -> Array:
    """Returns the confusion matrix (classes, classes): true classes in rows, counts."""
    classes = outputs.shape[1]
    pairs = labels * classes + outputs.argmax(axis=1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_accuracies(matrix: Array, classes: list[str]) -> dict[str, float | None]:
    """Returns the accuracy per class name; `None` for a class without samples."""
    return {
        name: float(row[index] / row.sum()) if row.sum() else None
        for index, (name, row) in enumerate(zip(classes, matrix, strict=True))
    }


def _log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _binary_losses(outputs, labels, config):
    """Returns the binary cross-entropies, (n, classes)."""
    if config.classifier_activation is None:  # the stable form for a logit
        return np.maximum(outputs, 0) - outputs * labels + np.log1p(np.exp(-np.abs(outputs)))
    right = np.where(labels == 1, outputs, 1 - outputs)
    return -np.log(np.maximum(right, LEAST))


def _mean_label_accuracy(decided, labels):
    """Returns the mean accuracy of both sides of each label; sides without samples are left out."""
    sides = [
        float((decided[labels[:, label] == side, label] == side).mean())
        for label in range(labels.shape[1])
        for side in (0, 1)
        if (labels[:, label] == side).any()
    ]
    return sum(sides) / len(sides)
