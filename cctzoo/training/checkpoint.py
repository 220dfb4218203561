"""Checkpoints: the whole state of a run after an epoch, in one NumPy file."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cctzoo.formats.atomic import atomic_file


def save(
    path: Path,
    model: keras.Model,
    optimizer: keras.Optimizer,
    history: list[dict[str, float]],
    best: float | None,
) -> None:
    """Writes weights, seeds, optimizer state, history and best figure atomically.

    Args:
        path: the `.npz` file.
        model, optimizer: the owners of the variables that are saved.
        history: a dict of figures per finished epoch.
        best: highest validation figure so far, or `None`.
    """
    arrays = {key: np.array(v.numpy()) for key, v in _named(model, optimizer)}
    rest = {"history": history, "best": best, "backend": keras.backend.backend()}
    with atomic_file(path) as draft:
        np.savez(draft, state=np.array(json.dumps(rest)), **arrays)


def load(
    path: Path, model: keras.Model, optimizer: keras.Optimizer
) -> tuple[list[dict[str, Any]], float | None]:
    """Restores the variables from a file of `save`; returns (history, best).

    Raises:
        ValueError: if the file is not a checkpoint of this model, optimizer and backend.
    """
    variables = _named(model, optimizer)
    try:
        with open(path, "rb") as stream:  # given a path, NumPy leaves a broken file open
            file = np.load(stream, allow_pickle=False)  # a pickle could run code
            arrays = {key: file[key] for key in file.files}
        rest = json.loads(str(arrays.pop("state")))
        history, best, backend = rest["history"], rest["best"], rest["backend"]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"`path` must be a checkpoint of a run. Received: path={str(path)!r} ({error})"
        ) from error
    if backend != keras.backend.backend():
        # Seeds and kernels differ: the remaining epochs would not have the same results.
        raise ValueError(
            "A run must be resumed on the backend on which it was started. "
            f"Received: a checkpoint of {backend}, backend={keras.backend.backend()}"
        )
    found = {key: value.shape for key, value in arrays.items()}
    wanted = {key: tuple(variable.shape) for key, variable in variables}
    if found != wanted:
        odd = sorted({*found.items()} ^ {*wanted.items()})
        raise ValueError(
            "A checkpoint must hold the variables of the recipe's model and optimizer. "
            f"Received: {str(path)!r}, which differs in {odd[:4]}"
        )
    for key, variable in variables:
        variable.assign(arrays[key])
    return history, best


def _named(model, optimizer):
    """Returns (key, variable) of all state; Keras' variable names depend on the process."""
    owners = {"model": model.variables, "optimizer": optimizer.variables}
    return [
        (f"{owner}{index:04d}", variable)
        for owner, variables in owners.items()
        for index, variable in enumerate(variables)
    ]
