"""Assigns arrays of any origin to the variables of a model, by one set of rules."""

import logging
import math
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from cctzoo.formats.stored_array import StoredArray, is_floating
from cctzoo.messages import printable, received
from cctzoo.plain_values import is_count

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
            notes.append(f"skipped, model has no classifier: {_listed(skipped)}")
    faults = []
    if strict:
        faults += [f"missing {name}" for name in missing]
        faults += [f"unexpected {printable(name[:100])}" for name in unexpected]
    else:
        if missing:
            notes.append(f"not in the file, kept as before: {', '.join(missing)}")
        if unexpected:
            notes.append(f"not in the model, ignored: {_listed(unexpected)}")
    variables = {name: pair for name, pair in variables.items() if name in arrays}
    adapt = _compare(model, variables, arrays, grid, faults, notes)
    _raise_if(faults, model)
    values = _read(variables, arrays, adapt, faults)
    _raise_if(faults, model)
    for name, (variable, _) in variables.items():
        variable.assign(values[name])
    for note in dict.fromkeys(notes):
        logger.info("weights: %s", note)


def _listed(names):
    """Names from a file for the log."""
    more = f" and {len(names) - MAX_FAULTS} more" if len(names) > MAX_FAULTS else ""
    return ", ".join(printable(name[:100]) for name in names[:MAX_FAULTS]) + more


def _compare(model, variables, arrays, grid, faults, notes):
    """The function that adapts each array, by name; adds to `faults` and `notes`."""
    special = _adaptations(model, grid)
    adapt = {}
    for name, (variable, order) in variables.items():
        shape, target = tuple(arrays[name].shape), tuple(variable.shape)
        if order and len(shape) == len(order):
            shape = tuple(shape[axis] for axis in order)
        adapt[name] = special.get(id(variable), _fit_shape)(shape, target, notes)
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


def _adaptations(model, grid):
    """The rules that adapt arrays to a `CCT`, by the `id` of the variable that each is for.

    A rule is a function of the array's shape, the variable's shape and the list of notes. It
    returns the function that adapts the array, or None if the array cannot be adapted.
    """
    config = getattr(model, "config", None)
    if not hasattr(config, "family"):  # a committee
        return {}
    rules = {}
    if config.kind == "images":
        stem = model.get_layer("tokenizer")
        kernel = stem.convolutions[0].kernel if config.family == "cct" else stem.kernel
        rules[id(kernel)] = _change_channels
    if config.positional_embedding == "learnable":
        embedding = model.get_layer("position").embedding
        rules[id(embedding)] = _change_grid(config, grid)
        if config.kind == "texts":
            rules[id(embedding)] = _cut_positions
    return rules


def _fit_shape(shape, target, notes):
    """The rule of all other variables: equal shapes."""
    return (lambda array: array) if shape == target else None


def _change_channels(shape, target, notes):
    """The kernel (height, width, in, out) of the first convolution: another number of `in`."""
    if shape == target or len(shape) != 4:
        return _fit_shape(shape, target, notes)
    old, new = shape[2], target[2]
    if not old or (*shape[:2], *shape[3:]) != (*target[:2], *target[3:]):
        return None
    if new == 1:  # equals the old model on a grey image that is repeated in all channels
        notes.append(f"first kernel summed over channels, {old} -> {new}")
        return lambda array: array.astype("float32").sum(axis=2, keepdims=True)
    notes.append(f"first kernel repeated for channels, {old} -> {new}")
    places = np.arange(new) % old
    return lambda array: array.astype("float32")[:, :, places] * (old / new)


def _cut_positions(shape, target, notes):
    """Position embeddings (1, T, D) of text: the first of a longer sequence."""
    if shape == target or len(shape) != 3:
        return _fit_shape(shape, target, notes)
    if shape[1] < target[1] or (shape[0], shape[2]) != (1, target[2]):
        return None
    notes.append(f"position embedding cut, {shape[1]} -> {target[1]} tokens")
    return lambda array: array[:, : target[1]]


def _change_grid(config, grid):
    """The rule for position embeddings (1, T, D) of image models."""
    if grid is not None and not all(map(is_count, grid)):
        raise ValueError(
            f"`grid` must be two positive integers (height, width). {received(grid=grid)}"
        )
    extra = int(config.has_class_token)  # its position comes first

    def change_grid(shape, target, notes):
        if len(shape) != 3 or shape[0] != 1 or shape[2] != target[2]:
            return None
        tokens = shape[1] - extra
        side = math.isqrt(max(tokens, 0))
        source = tuple(grid or (config.grid if shape == target else (side, side)))
        if tokens < 1 or len(source) != len(config.grid) or math.prod(source) != tokens:
            return None
        if source == config.grid:
            return lambda array: array
        notes.append(f"position embedding resized {source} -> {config.grid}")
        return lambda array: _resize(array, extra, source, config.grid)

    return change_grid


def _resize(positions, extra, source, target):
    """(1, T, D) on the source grid -> (1, T', D) on the target grid, bilinearly.

    The position of a class token, the first of `extra`, is kept.
    """
    positions = positions.astype("float32")
    grid = positions[:, extra:].reshape(1, *source, -1)  # (1, H, W, D)
    resized = ops.image.resize(
        grid, target, interpolation="bilinear", antialias=False, data_format="channels_last"
    )
    resized = ops.convert_to_numpy(resized).reshape(1, -1, positions.shape[2])
    return np.concatenate([positions[:, :extra], resized], axis=1)
