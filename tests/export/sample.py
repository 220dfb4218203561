"""A model with all that a graph can hold, images, and where most exports are tested."""

import shutil

import keras
import numpy as np
import pytest

from cctzoo import latency, models
from cctzoo.export import litert

SHAPE, CLASSES = (16, 12, 3), 7
NAMES = [f"class {i}" for i in range(CLASSES)]
# Under JAX and PyTorch a child process converts the same file by the same code, in 9 s.
once = pytest.mark.one_backend("tensorflow")


def sample_model():
    """With prefix, batch norms, many heads."""
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
    """The model, its logits as far apart as a trained one's: else agreement means nothing."""
    latency.randomise_vectors(model)
    kernel, bias = model.get_layer("classifier").get_weights()
    model.get_layer("classifier").set_weights([factor * kernel, bias])
    return model


def sample_images(count=60):
    return np.random.default_rng(0).integers(0, 256, (count, *SHAPE)).astype("uint8")


def convert_once(patch, graph):
    """Until `patch` is undone the first conversion to LiteRT, kept as `graph`, serves for all."""

    def convert(model, path, kind, batch):
        if not graph.exists():
            original(model, graph, kind, batch)
        shutil.copy(graph, path)

    original = litert.convert
    patch.setattr(litert, "convert", convert)
