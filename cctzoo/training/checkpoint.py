"""Checkpoint: the whole state of a run after an epoch, in one file of plain arrays."""

import json
import zipfile

import keras
import numpy as np

from cctzoo.formats.atomic import atomic_file


def save(path, model, optimizer, history, best):
    """Writes weights, seeds, optimizer, history and best accuracy; atomic.

    Args:
        path: ends with `.npz`.
        model, optimizer: whose variables are the state.
        history: a dict per finished epoch.
        best: highest validation accuracy so far, or `None`.
    """
    arrays = {key: np.array(v.numpy()) for key, v in _named(model, optimizer)}
    rest = {"history": history, "best": best, "backend": keras.backend.backend()}
    with atomic_file(path) as draft:
        np.savez(draft, state=np.array(json.dumps(rest)), **arrays)


def load(path, model, optimizer):
    """Sets the variables to what `save` wrote; returns (history, best).

    Raises:
        ValueError: if the file is not a checkpoint of this model and backend.
    """
    variables = _named(model, optimizer)
    try:
        with open(path, "rb") as stream:  # NumPy leaves a broken file open
            file = np.load(stream, allow_pickle=False)  # a pickle could run code
            arrays = {key: file[key] for key in file.files}
        rest = json.loads(str(arrays.pop("state")))
        history, best, backend = rest["history"], rest["best"], rest["backend"]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"`path` must be a checkpoint of a run. Received: path={str(path)!r} ({error})"
        ) from error
    if backend != keras.backend.backend():
        # Seeds and kernels differ: the epochs to come would not be the same ones.
        raise ValueError(
            "A run must be resumed on the backend that it was begun on. "
            f"Received: a checkpoint of {backend}, backend={keras.backend.backend()}"
        )
    found = {key: value.shape for key, value in arrays.items()}
    wanted = {key: tuple(variable.shape) for key, variable in variables}
    if found != wanted:
        odd = sorted({*found.items()} ^ {*wanted.items()})
        raise ValueError(
            "The checkpoint must hold the variables of the recipe's model and optimizer. "
            f"Received: {str(path)!r}, which differs in {odd[:4]}"
        )
    for key, variable in variables:
        variable.assign(arrays[key])
    return history, best


def _named(model, optimizer):
    """(key, variable) of all that changes in training; Keras' names vary with the process."""
    owners = {"model": model.variables, "optimizer": optimizer.variables}
    return [
        (f"{owner}{index:04d}", variable)
        for owner, variables in owners.items()
        for index, variable in enumerate(variables)
    ]
