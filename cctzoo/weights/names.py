"""The names of variables in our own weights files."""

import keras
import numpy as np
from keras import ops

from cctzoo.models.committee import SoftCommittee
from cctzoo.models.model import CCT

TOP = ("pooling/", "classifier/")  # prefixes of variables that a model without top does not have


def variable_names(model: CCT | SoftCommittee) -> dict[str, tuple[keras.Variable, None]]:
    """The variables of a model by name, e.g. `block03/attention/qkv/kernel`.

    Unlike Keras' paths, the names depend neither on the name of the model nor on where it was
    built. In a committee, a member's name comes first.

    Returns:
        A dict: name -> (variable, None), as `assign_arrays` takes it.
    """
    if not isinstance(model, CCT):
        return {
            f"{member.name}/{name}": pair
            for member in model.members
            for name, pair in variable_names(member).items()
        }
    return {
        layer.name + variable.path.removeprefix(layer.path): (variable, None)
        for layer in model.layers
        for variable in layer.weights
        if not variable.path.endswith("/seed_generator_state")
    }


def model_arrays(model: CCT | SoftCommittee) -> dict[str, np.ndarray]:
    """The weights of a model as float32 arrays by name, see `variable_names`."""
    return {name: to_float32(variable) for name, (variable, _) in variable_names(model).items()}


def to_float32(variable: keras.Variable) -> np.ndarray:
    """The value of a variable as a float32 array."""
    return ops.convert_to_numpy(ops.cast(variable, "float32"))
