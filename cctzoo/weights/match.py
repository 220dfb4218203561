"""Which array goes into which variable: one set of rules for weights of every origin."""

import math

import numpy as np
from keras import ops

from cctzoo.formats.stored_array import is_floating

MOST_FAULTS = 300  # listed; no model of the zoo has as many weights


def match_arrays(model, wanted, found, *, top=(), grid=None, strict=True):
    """Moves for `assign`, after all names, shapes and types have been compared.

    For a `CCT`, what depends on image size, channels, length and classes is adapted: a
    position embedding of another grid is resized bilinearly, one of texts that are longer is
    cut; a first kernel for other channels is summed over them (for one channel) or repeated
    and scaled; a classifier for other classes stays as it is, fresh; the classifier's and
    pooling's arrays are left out for a model without top. Each is said once, in one line.

    Args:
        model: that the variables belong to.
        wanted: a dict: name -> (variable, order of the array's axes in it, or None).
        found: a dict: name -> array or `StoredArray`; read only when all else is right.
        top: how names of arrays start that a model without top has no place for.
        grid: (height, width) of the file's position embedding, of images. Default: a square,
            or the model's where the number of tokens is the same.
        strict: False leaves variables alone that have no array, and arrays that have no
            variable, and says so.

    Returns:
        A list of (variable, array), and a list of notes to print.

    Raises:
        ValueError: listing every missing, unexpected and misshapen name, or what holds
            values that are not finite.
    """
    adaptations = _adaptations(model, grid)
    moves, notes, faults = [], [], []
    fresh = _fresh_classifier(model, wanted, found)
    if fresh:
        notes.append(f"fresh classifier for {model.config.classes} classes")
        wanted, found = (
            {k: v for k, v in each.items() if k not in fresh} for each in (wanted, found)
        )
    absent = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    if top and not model.config.include_top:
        left = [name for name in extra if name.startswith(top)]
        extra = [name for name in extra if name not in left]
        notes += [f"left out for want of a top: {', '.join(left)}"] if left else []
    for name, (variable, order) in wanted.items():
        if name in absent:
            continue
        shape, target = tuple(found[name].shape), tuple(variable.shape)
        if order and len(shape) == len(order):
            shape = tuple(shape[axis] for axis in order)
        adapt = adaptations.get(id(variable), _same)(shape, target, notes)
        if adapt is None:
            faults.append(f"misshapen {name}: {shape}, wanted {target}")
        elif not is_floating(found[name].dtype):
            faults.append(f"no floating-point numbers {name}: {found[name].dtype}")
        moves.append((name, variable, order, adapt))
    if strict:
        faults = [f"missing {name}" for name in absent] + faults
        faults += [f"unexpected {name[:100]}" for name in extra]
    elif absent or extra:
        words = ("left as they are", absent), ("not taken", extra)
        notes += [f"{word}: {', '.join(names)}" for word, names in words if names]
    _raise_if(model, faults)
    pairs = []
    for name, variable, order, adapt in moves:
        array = np.asarray(found[name])
        with np.errstate(over="ignore"):  # of float64: seen in the next line
            array = adapt(array.transpose(order) if order else array).astype("float32")
        if not np.isfinite(array).all():
            faults.append(f"not finite {name}")
        pairs.append((variable, array))
    _raise_if(model, faults)
    return pairs, list(dict.fromkeys(notes))


def assign(pairs, notes):
    """Does what `fit` has found out, and says what was adapted."""
    for variable, array in pairs:
        variable.assign(array)
    for note in notes:
        print(f"weights: {note}")


def _raise_if(model, faults):
    if faults:
        more = len(faults) - MOST_FAULTS
        listed = faults[:MOST_FAULTS] + [f"and {more} more"] * (more > 0)
        raise ValueError(
            f"The arrays must be those of the model {model.name!r}. Received: {'; '.join(listed)}"
        )


def _adaptations(model, grid):
    """By variable, a function of two shapes and the notes that gives one of the array."""
    config = getattr(model, "config", None)
    if not hasattr(config, "family"):  # a committee
        return {}
    texts = config.kind == "texts"
    found = {}
    if not texts:
        stem = model.get_layer("tokenizer")
        kernel = stem.convolutions[0].kernel if config.family == "cct" else stem.kernel
        found[id(kernel)] = _other_channels
    if config.positional_embedding == "learnable":
        embedding = model.get_layer("position").embedding
        found[id(embedding)] = _first_positions if texts else _other_grid(config, grid)
    return found


def _same(shape, target, notes):
    return (lambda array: array) if shape == target else None


def _other_channels(shape, target, notes):
    """(kernel height, kernel width, in, out): other numbers of `in`."""
    if shape == target or len(shape) != 4:
        return _same(shape, target, notes)
    old, new = shape[2], target[2]
    if not old or (*shape[:2], *shape[3:]) != (*target[:2], *target[3:]):
        return None
    notes.append(
        f"first kernel {'summed over' if new == 1 else 'repeated for'} channels, {old} -> {new}"
    )
    if new == 1:  # what a grey image gives that is repeated in all channels
        return lambda array: array.astype("float32").sum(axis=2, keepdims=True)
    places = np.arange(new) % old
    return lambda array: array.astype("float32")[:, :, places] * (old / new)


def _first_positions(shape, target, notes):
    """(1, T, D): other numbers of positions, where the file has more."""
    if shape == target or len(shape) != 3:
        return _same(shape, target, notes)
    if shape[1] < target[1] or (shape[0], shape[2]) != (1, target[2]):
        return None
    notes.append(f"position embedding cut, {shape[1]} -> {target[1]} tokens")
    return lambda array: array[:, : target[1]]


def _other_grid(config, grid):
    extra = int(config.has_class_token)  # in front

    def other_grid(shape, target, notes):
        if len(shape) != 3 or shape[0] != 1 or shape[2] != target[2]:
            return None
        tokens = shape[1] - extra
        side = math.isqrt(max(tokens, 0))
        source = tuple(grid or (config.grid if shape == target else (side, side)))
        if tokens < 1 or math.prod(source) != tokens:
            return None
        if source == config.grid:
            return lambda array: array
        notes.append(f"position embedding resized {source} -> {config.grid}")
        return lambda array: _resized(array, extra, source, config.grid)

    return other_grid


def _resized(positions, extra, source, target):
    """(1, T, D) on the source's grid -> (1, T', D) on the target's; a class token's is kept."""
    positions = positions.astype("float32")
    grid = positions[:, extra:].reshape(1, *source, -1)
    resized = ops.image.resize(
        grid, target, interpolation="bilinear", antialias=False, data_format="channels_last"
    )
    resized = ops.convert_to_numpy(resized).reshape(1, -1, positions.shape[2])
    return np.concatenate([positions[:, :extra], resized], axis=1)


def _fresh_classifier(model, wanted, found):
    """Names of the classifier's kernel and bias if both are for another number of classes."""
    layer = next((layer for layer in model.layers if layer.name == "classifier"), None)
    names = {id(variable): name for name, (variable, _) in wanted.items()}
    if layer is None or id(getattr(layer, "kernel", None)) not in names:
        return ()
    kernel, bias = names[id(layer.kernel)], names[id(layer.bias)]
    if kernel not in found or bias not in found:
        return ()
    shape, classes = tuple(found[kernel].shape), tuple(found[bias].shape)
    whole = (layer.kernel.shape[0], *classes)
    other = classes != tuple(layer.bias.shape) and len(classes) == 1
    fits = shape == (whole[::-1] if wanted[kernel][1] else whole)
    return (kernel, bias) if other and fits else ()
