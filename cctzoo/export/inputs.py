"""What goes into a model that is exported: images, or texts as ids."""

import numpy as np


def takes_texts(model):
    """Whether a `CCT` or `SoftCommittee` takes ids (batch, length) and not images."""
    return model.config.kind == "texts"


def as_inputs(model, values, name):
    """Values as the model's input: float32 images, or int32 ids.

    Args:
        model: a `CCT` or `SoftCommittee`.
        values: images, or ids (n, length); for a model that knows its words also n texts.
        name: of the argument that they come from, for an error.

    Raises:
        ValueError: for what a model for texts cannot take; shapes are not compared.
    """
    if not takes_texts(model):
        return np.asarray(values, dtype="float32")
    values = np.asarray(values)
    if values.dtype.kind in "OU" and values.ndim == 1:
        return model.vocabulary(values)
    size = _first(model.config).vocabulary_size
    integers = values.dtype.kind in "iu"
    if not integers or (values.size and not 0 <= values.min() <= values.max() < size):
        received = f"from {values.min()} to {values.max()}" if integers else str(values.dtype)
        raise ValueError(
            f"`{name}` of a model for texts must be ids, integers from 0 to one below its "
            f"vocabulary_size, {size}, or texts. Received: {received}"
        )
    return values.astype("int32")


def noise(model, count):
    """Seeded noise: pixels, or words in texts of all lengths, the first whole, the last empty."""
    generator = np.random.default_rng(0)
    shape = (count, *model.input_shape[1:])
    if not takes_texts(model):
        top = 255 if model.config.include_preprocessing else 1
        return generator.uniform(0, top, shape).astype("float32")
    config = _first(model.config)
    ids = generator.integers(0, config.vocabulary_size, shape, "int32")
    if config.padding_id is not None:
        lengths = np.linspace(config.length, 0, count).astype(int)
        ids[np.arange(config.length) >= lengths[:, None]] = config.padding_id
    return ids


def _first(config):
    """The config, of a committee's members the first: they take the same."""
    return getattr(config, "members", [config])[0]
