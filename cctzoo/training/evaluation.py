"""Evaluation on the test part: top-1, top-5, class by class, and who is taken for whom."""

import numpy as np

from cctzoo.data import take

CHUNK = 16  # batches that are decoded at once


def predict(model, x, batch_size):
    """Logits (n, classes) float32 for an array of images or `EncodedImages`."""
    parts = []
    for start in range(0, len(x), CHUNK * batch_size):
        count = min(CHUNK * batch_size, len(x) - start)
        # Whole batches, from the front again: one shape, and equal parts for all devices.
        whole = -(-count // batch_size) * batch_size
        places = np.arange(start, start + whole) % len(x)
        samples = take(x, places)
        logits = model.predict(samples, batch_size=batch_size, verbose=0)
        parts.append(logits[:count].astype("float32"))
    return np.concatenate(parts)


def figures(logits, labels):
    """A dict of accuracy, top-5 accuracy (with more than 5 classes) and cross-entropy."""
    from scipy.special import log_softmax  # not before: scikit-learn's, an optional package

    order = np.argsort(-logits, axis=1, kind="stable")
    # Not Keras' loss: within tf.distribute it is a replica's part of the mean.
    found = {
        "accuracy": float((order[:, 0] == labels).mean()),
        "loss": float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()),
    }
    if logits.shape[1] > 5:
        found["top5_accuracy"] = float((order[:, :5] == labels[:, None]).any(1).mean())
    return found


def confusion(logits, labels):
    """(classes, classes) counts: rows are true classes, columns predicted ones."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(labels, logits.argmax(1), labels=range(logits.shape[1]))


def class_accuracies(matrix, classes):
    """A dict from class name to accuracy; `None` where the test part has no such image."""
    return {
        name: float(row[index] / row.sum()) if row.sum() else None
        for index, (name, row) in enumerate(zip(classes, matrix, strict=True))
    }
