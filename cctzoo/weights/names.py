"""The names under which variables are kept in files of our own."""

from cctzoo.models.model import CCT

# How the names start that a model without top has no variables for.
TOP = ("pooling/", "classifier/")


def variable_names(model):
    """Which variable each name belongs to, e.g. `block03/attention/qkv/kernel`.

    Unlike Keras' paths, names are the same whatever the model is called and wherever it was
    built. Those of a committee start with the member's name.

    Args:
        model: a `CCT` or a `SoftCommittee`.

    Returns:
        A dict: name -> (Keras variable, None), as `fit` takes it.
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
