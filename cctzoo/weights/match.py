"""Assigns arrays of any origin to the variables of a model, by one set of rules."""

import logging
from collections.abc import Mapping

import keras
import numpy as np

from cctzoo.formats.stored_array import StoredArray, is_floating
from cctzoo.weights.adapt import adaptations, fit_shape

logger = logging.getLogger(__name__)

MAX_FAULTS = 300  # listed in an error; no model of the zoo has as many weights

Variables = Mapping[str, tuple[keras.Variable, tuple[int, ...] | None]]
Arrays = Mapping[str, np.ndarray | StoredArray]


def assign_arrays(
    model: keras.Model,
    variables: Variables,
    arrays: Arrays,
    *,
    top: tuple[str, ...] = (),
    grid: tuple[int, int] | None = None,
    strict: bool = True,
) -> None:
    """Assigns arrays to variables by name; either all are assigned or none.

    Names, shapes and types are compared first, so that a file that does not fit costs no
    memory. In a `CCT`, arrays that depend on the image size, the channels, the length or the
    classes are adapted, see `load_pytorch_checkpoint`; each adaptation is logged.

    Args:
        model: the model of the variables.
        variables: name -> (variable, order of the array's axes in the variable, or None).
        arrays: name -> array.
        top: prefixes of names that are skipped if the model has no top.
        grid: (height, width) of the arrays' position embedding, for images. Default: a
            square, or the model's grid if the number of tokens is the same.
        strict: if False, variables without an array keep their values and arrays without a
            variable are ignored; both are logged.

    Raises:
        ValueError: listing every missing, unexpected and misshapen name, and arrays that are
            not finite.
    """
    notes = []
    fresh = _fresh_classifier(model, variables, arrays)
    if fresh:
        notes.append(f"fresh classifier for {model.config.classes} classes")
        variables = {name: pair for name, pair in variables.items() if name not in fresh}
        arrays = {name: array for name, array in arrays.items() if name not in fresh}
    missing = [name for name in variables if name not in arrays]
    unexpected = [name for name in arrays if name not in variables]
    if top and not model.config.include_top:
        skipped = [name for name in unexpected if name.startswith(top)]
        unexpected = [name for name in unexpected if name not in skipped]
        if skipped:
            notes.append(f"skipped, model has no classifier: {', '.join(skipped)}")
    faults = []
    if strict:
        faults += [f"missing {name}" for name in missing]
        faults += [f"unexpected {name[:100]}" for name in unexpected]
    else:
        if missing:
            notes.append(f"not in the file, kept as before: {', '.join(missing)}")
        if unexpected:
            notes.append(f"not in the model, ignored: {', '.join(unexpected)}")
    variables = {name: pair for name, pair in variables.items() if name in arrays}
    adapt = _compare(model, variables, arrays, grid, faults, notes)
    _raise_if(faults, model)
    values = _read(variables, arrays, adapt, faults)
    _raise_if(faults, model)
    for name, (variable, _) in variables.items():
        variable.assign(values[name])
    for note in dict.fromkeys(notes):
        logger.info("weights: %s", note)


def _compare(model, variables, arrays, grid, faults, notes):
    """The function that adapts each array, by name; adds to `faults` and `notes`."""
    special = adaptations(model, grid)
    adapt = {}
    for name, (variable, order) in variables.items():
        shape, target = tuple(arrays[name].shape), tuple(variable.shape)
        if order and len(shape) == len(order):
            shape = tuple(shape[axis] for axis in order)
        adapt[name] = special.get(id(variable), fit_shape)(shape, target, notes)
        if adapt[name] is None:
            faults.append(f"misshapen {name}: {shape}, expected {target}")
        elif not is_floating(arrays[name].dtype):
            faults.append(f"not floating-point {name}: {arrays[name].dtype}")
    return adapt


def _read(variables, arrays, adapt, faults):
    """The adapted arrays in float32, by name; adds to `faults`."""
    values = {}
    for name, (_, order) in variables.items():
        array = np.asarray(arrays[name])
        with np.errstate(over="ignore"):  # a float64 that is too large fails the next check
            array = adapt[name](array.transpose(order) if order else array).astype("float32")
        if not np.isfinite(array).all():
            faults.append(f"not finite {name}")
        values[name] = array
    return values


def _raise_if(faults, model):
    if faults:
        listed = faults[:MAX_FAULTS]
        if len(faults) > MAX_FAULTS:
            listed.append(f"and {len(faults) - MAX_FAULTS} more")
        raise ValueError(
            f"The arrays must be those of the model {model.name!r}. Received: {'; '.join(listed)}"
        )


def _fresh_classifier(model, variables, arrays):
    """Names of the classifier's kernel and bias if both are for another number of classes."""
    layer = next((layer for layer in model.layers if layer.name == "classifier"), None)
    names = {id(variable): name for name, (variable, _) in variables.items()}
    if layer is None or id(getattr(layer, "kernel", None)) not in names:
        return ()
    kernel, bias = names[id(layer.kernel)], names[id(layer.bias)]
    if kernel not in arrays or bias not in arrays:
        return ()
    classes = tuple(arrays[bias].shape)
    if len(classes) != 1 or classes == tuple(layer.bias.shape):
        return ()
    expected = (layer.kernel.shape[0], *classes)
    if variables[kernel][1]:  # the file's axes are in PyTorch's order
        expected = expected[::-1]
    return (kernel, bias) if tuple(arrays[kernel].shape) == expected else ()
