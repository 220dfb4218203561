"""A model that is built, trained and saved in seconds."""

import keras
import numpy as np
from keras import ops

from cctzoo.models import CCT, CCTConfig

CLASSES = 5


def small_model(name="small", dtype=None, **changes):
    """A CCT of two blocks on images of 12 x 16 pixels: 3 x 4 tokens after a 7x7 kernel."""
    return CCT(small_config(**changes), name=name, dtype=dtype)


def small_config(**changes):
    options = {
        "depth": 2,
        "embed_dim": 24,
        "heads": 3,
        "kernel_size": 7,
        "input_shape": (12, 16, 3),
        "classes": CLASSES,
    }
    return CCTConfig(**{**options, **changes})


def images(model, count=3):
    """Random pixels 0-255 in float32, of the model's input shape."""
    shape = (count, *model.config.input_shape)
    return np.random.default_rng(0).integers(0, 256, shape).astype("float32")


def predict(model, x):
    """The model's output in inference as a float32 array, or as a dict of such arrays."""
    outputs = compiled(model)(x)
    if isinstance(outputs, dict):
        return {name: to_array(value) for name, value in outputs.items()}
    return to_array(outputs)


def compiled(model):
    """Under JAX one program, which is faster than one per operation."""
    if keras.backend.backend() != "jax":
        return lambda x: model(x, training=False)
    import jax

    return jax.jit(lambda x: model(x, training=False))


def to_array(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))
