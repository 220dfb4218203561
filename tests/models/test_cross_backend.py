"""A model saved under one backend predicts the same under the next one.

The three runs of the tests compare all backends in a circle.
"""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from cctzoo.models import soft_committee
from tests.models.small import images, predict, small_model

NEXT = {"tensorflow": "jax", "jax": "torch", "torch": "tensorflow"}
MODELS = {
    "prefix": {"depth": 3, "conv_prefix": 2, "prefix_kind": "depthwise"},
    "lsmha": {"embed_dim": 128, "heads": 64, "activation": "quick_gelu"},
    "polynomial": {"attention": "polynomial", "heads": 12, "kernel_size": 3},
}
CHILD = """
import sys
import keras, numpy, cctzoo
for name in sys.argv[2:]:
    path = f"{sys.argv[1]}/{name}"
    model = keras.saving.load_model(path + ".keras")
    numpy.save(path + ".y.npy", model.predict(numpy.load(path + ".x.npy"), verbose=0))
"""


def test_predictions_are_equal(tmp_path):
    backend = NEXT[keras.backend.backend()]
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    models = {
        name: small_model(classifier_activation=None, **changes) for name, changes in MODELS.items()
    }
    models["committee"] = soft_committee(models.values(), weights=[1, 2, 3])
    expected = {}
    for name, model in models.items():
        x = images(model)
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.x.npy", x)
        expected[name] = predict(model, x)
    environment = {**os.environ, "KERAS_BACKEND": backend}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-c", CHILD, str(tmp_path), *models]
    child = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-2000:]
    for name, outputs in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.y.npy"), outputs, atol=1e-5)
