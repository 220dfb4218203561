"""Checkpoints: the whole state of a run after an epoch, in one NumPy file."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cctzoo.formats.atomic import atomic_file
from cctzoo.formats.fields import SHARE, TEXT, check_fields, optional
from cctzoo.formats.npz_file import open_npz, read_object
from cctzoo.formats.reading import reading
from cctzoo.messages import shown
from cctzoo.training.history import check_history

STATE = "state"  # the entry of everything that is not an array, as JSON
WHAT = "a checkpoint of a run"


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
        np.savez(draft, **{STATE: np.array(json.dumps(rest))}, **arrays)


def load(
    path: Path, model: keras.Model, optimizer: keras.Optimizer
) -> tuple[list[dict[str, Any]], float | None]:
    """Restores the variables from a file of `save`; returns (history, best).

    Names, shapes and types are compared before the variables are read.

    Raises:
        ValueError: if the file is not a checkpoint of this model, optimizer and backend. Nothing
            is restored then.
    """
    variables = _named(model, optimizer)
    with open_npz(path, WHAT) as arrays:
        with reading(path, WHAT):
            history, best, backend = _state(arrays)
        if backend != keras.backend.backend():
            # Seeds and kernels differ: the remaining epochs would not have the same results.
            raise ValueError(
                "A run must be resumed on the backend on which it was started. "
                f"Received: a checkpoint of {shown(backend)}, backend={keras.backend.backend()}"
            )
        del arrays[STATE]
        found = {key: (array.shape, _kind(array)) for key, array in arrays.items()}
        wanted = {key: (tuple(variable.shape), "number") for key, variable in variables}
        if found != wanted:
            odd = sorted({*found.items()} ^ {*wanted.items()})
            raise ValueError(
                "A checkpoint must hold the variables of the recipe's model and optimizer. "
                f"Received: {str(path)!r}, which differs in {shown(odd[:4])}"
            )
        values = {key: np.asarray(array) for key, array in arrays.items()}
    for key, variable in variables:
        variable.assign(values[key])
    return history, best


def _state(arrays):
    """Returns (history, best, backend) of the entry `state`."""
    state = read_object(arrays[STATE])
    check_history(state["history"])
    check_fields(state, {"best": optional(SHARE), "backend": TEXT})
    return state["history"], state["best"], state["backend"]


def _kind(array):
    """The kind of an array's values: "number", or the type of others."""
    return "number" if np.dtype(array.dtype).kind in "biuf" else array.dtype


def _named(model, optimizer):
    """Returns (key, variable) of all state; Keras' variable names depend on the process."""
    owners = {"model": model.variables, "optimizer": optimizer.variables}
    return [
        (f"{owner}{index:04d}", variable)
        for owner, variables in owners.items()
        for index, variable in enumerate(variables)
    ]
