"""Muon against NumPy's singular values, and AdamW for what is not a matrix."""

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.models import create_model
from cctzoo.training.muon import Muon
from tests.layers.contract import array, random_array

RATE = 0.5
MATRICES = ("qkv/kernel", "projection/kernel", "expand/kernel", "contract/kernel", "conv/kernel")


def small_model(**changes):
    fields = {"input_shape": (16, 16, 3), "embed_dim": 16, "depth": 3, "heads": 4}
    return create_model("cct_2_3x2_32", classes=5, **fields | {"conv_prefix": 1} | changes)


def step(optimizer, variables, gradients):
    """The change of each variable by one step, by path."""
    before = {variable.path: array(variable) for variable in variables}
    optimizer.build(variables)
    optimizer.apply([ops.convert_to_tensor(gradients[v.path]) for v in variables], variables)
    return {variable.path: array(variable) - before[variable.path] for variable in variables}


@pytest.mark.parametrize(
    "precision", [None, pytest.param("bfloat16", marks=pytest.mark.one_backend("torch"))]
)
def test_updates_of_kernels_are_orthogonal_and_others_those_of_adamw(precision):
    variables = small_model().trainable_variables
    gradients = {v.path: random_array(*v.shape) for v in variables}
    changes = step(Muon(RATE, precision=precision), variables, gradients)
    variables = small_model().trainable_variables
    expected = step(keras.optimizers.AdamW(RATE, weight_decay=0.0), variables, gradients)
    found = set()
    for path, change in changes.items():
        if path.endswith(MATRICES) or path.startswith("tokenizer/"):
            found.add(path)
            matrix = -change.reshape(-1, change.shape[-1])
            scale = RATE * 0.2 * max(matrix.shape) ** 0.5
            left, _, right = np.linalg.svd(
                gradients[path].reshape(matrix.shape), full_matrices=False
            )
            values = left.T @ matrix @ right.T / scale  # in the gradient's own directions
            np.testing.assert_allclose(np.diag(values), 1, atol=0.35)
            np.testing.assert_allclose(values - np.diag(np.diag(values)), 0, atol=0.1)
        else:
            np.testing.assert_allclose(change, expected[path], rtol=1e-3, atol=1e-5)
    assert len(found) == 1 + 1 + 2 * 4 + 1, sorted(found)  # tokenizer, prefix, blocks


def test_depthwise_kernels_scores_and_vectors_are_trained_by_adamw():
    model = small_model(prefix_kind="depthwise")
    optimizer = Muon(RATE)
    by_adamw = {v.path for v in model.trainable_variables if optimizer._should_use_adamw(v)}
    matrices = {v.path for v in model.trainable_variables} - by_adamw
    assert {"classifier/kernel", "pooling/score/kernel", "position/embedding"} <= by_adamw
    assert any(path.endswith("depthwise/kernel") for path in by_adamw)
    assert all(path.endswith("kernel") for path in matrices)
