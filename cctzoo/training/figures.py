"""The figures of a finished run: the contents of its report.json."""

from typing import Any

import keras

from cctzoo.data import Dataset
from cctzoo.machine import installed_versions, machine_name
from cctzoo.models import CCT
from cctzoo.training import evaluation
from cctzoo.training.callbacks import RunRecorder
from cctzoo.typing import Array

MOST_CONFUSED = 1000  # classes whose confusion matrix is in report.json: its numbers take 2 MB
PACKAGES = {"tensorflow": ("tensorflow",), "jax": ("jax", "jaxlib"), "torch": ("torch",)}


def run_figures(
    model: CCT,
    dataset: Dataset,
    outputs: Array,
    matrix: Array,
    batch_size: int,
    recorder: RunRecorder,
) -> dict[str, Any]:
    """Returns the contents of report.json.

    Args:
        model: the trained model.
        dataset: the data set as the model takes it.
        outputs: (n, classes), the model's outputs for the test samples.
        matrix: their confusion matrix.
        batch_size: of the training.
        recorder: the recorder of the run, with its history.
    """
    backend, history = keras.backend.backend(), recorder.history
    seconds = sum(row["seconds"] for row in history)
    epoch_samples = len(dataset.x_train) // batch_size * batch_size
    found = evaluation.figures(outputs, dataset.y_test, model.config)
    best = max(history, key=lambda row: row.get(recorder.best_by, 0))  # the first of equals
    has_validation = recorder.best is not None
    return {f"test_{name}": value for name, value in found.items()} | {
        "test_samples": len(dataset.x_test),
        "best_epoch": int(best["epoch"]) if has_validation else None,
        "best_validation_accuracy": best.get("val_accuracy"),
        "best_validation_mean_class_accuracy": best.get("val_mean_class_accuracy"),
        "last_validation_accuracy": history[-1].get("val_accuracy"),
        "samples_per_epoch": epoch_samples,
        "training_seconds": seconds,
        "samples_per_second": len(history) * epoch_samples / seconds,
        "backend": backend,
        "machine": machine_name(backend),
        "versions": installed_versions(("keras", *PACKAGES[backend])),
        "class_accuracies": evaluation.class_accuracies(matrix, dataset.classes),
        "confusion": matrix.tolist() if len(matrix) <= MOST_CONFUSED else None,
    }
