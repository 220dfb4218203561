"""A model with every kind of operator, images for it, and one conversion for many tests."""

import shutil

import keras
import numpy as np
import pytest

from cctzoo import models
from cctzoo.export import group_sizes
from cctzoo.export.inputs import randomise_vectors

SHAPE, CLASSES = (16, 12, 3), 7
NAMES = [f"class {i}" for i in range(CLASSES)]
# Under JAX and PyTorch, a child process converts the same file by the same code, in 9 s.
once = pytest.mark.one_backend("tensorflow")
not_jax = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="one format under JAX, all formats under PyTorch"
)


def sample_model():
    """A model with a convolutional prefix, batch norms and many heads."""
    keras.utils.set_random_seed(0)
    model = models.create_model(
        "cct_4_3x1_32",
        input_shape=SHAPE,
        heads=16,
        conv_prefix=2,
        classes=CLASSES,
        classifier_activation=None,
    )
    return spread(model)


def spread(model, factor=20):
    """Spreads the logits as training does; without that, agreement has no meaning."""
    randomise_vectors(model)
    kernel, bias = model.get_layer("classifier").get_weights()
    model.get_layer("classifier").set_weights([factor * kernel, bias])
    return model


def sample_images(count=60):
    return np.random.default_rng(0).integers(0, 256, (count, *SHAPE)).astype("uint8")


def convert_once(patch, graph):
    """Until `patch` is undone, all LiteRT exports reuse the first conversion, kept at `graph`."""

    def convert(model, path, kind, batch, scale):
        if not graph.exists():
            original(model, graph, kind, batch, scale)
        shutil.copy(graph, path)

    original = group_sizes.convert
    patch.setattr(group_sizes, "convert", convert)
