"""Muon under PyTorch, which takes matrices of one shape together, against the form of Keras."""

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.training import muon
from tests.layers.contract import array
from tests.training.test_muon import small_model

pytestmark = pytest.mark.one_backend("torch")


def steps(optimizer, count=4):
    """The weights of a small model by path, after some steps; vectors do not decay."""
    keras.utils.set_random_seed(0)
    variables = small_model().trainable_variables
    optimizer.build(variables)
    vectors = [variable for variable in variables if len(variable.shape) < 2]
    optimizer.exclude_from_weight_decay(var_list=vectors)
    generator = np.random.default_rng(0)
    for scale in 10.0 ** -np.arange(count):
        gradients = [scale * generator.standard_normal(v.shape) for v in variables]
        optimizer.apply([ops.convert_to_tensor(g.astype("float32")) for g in gradients], variables)
    return {variable.path: array(variable) for variable in variables}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nesterov": False, "momentum": 0.5},
        {"global_clipnorm": 0.5, "use_ema": True},
        {"gradient_accumulation_steps": 2},
        {"epsilon": 1e-2, "adam_beta_1": 0.5, "adam_lr_ratio": 0.1},
    ],
)
def test_equals_the_form_of_keras(options):
    from cctzoo.training import muon_torch

    rate = keras.optimizers.schedules.CosineDecay(0.1, 8)
    found, expected = (
        steps(kind(rate, weight_decay=0.1, **options)) for kind in (muon_torch.Muon, muon.Muon)
    )
    for path, weights in expected.items():
        np.testing.assert_allclose(found[path], weights, rtol=1e-4, atol=1e-5, err_msg=path)


def test_iteration_in_bfloat16():
    """The weights stay near those of the iteration in float32, and are not the same."""
    from cctzoo.training import muon_torch

    found, expected = (steps(muon_torch.Muon(0.01, precision=p)) for p in ("bfloat16", None))
    errors = {path: np.abs(found[path] - weights).max() for path, weights in expected.items()}
    matrices = {path: error for path, error in errors.items() if error > 1e-5}
    assert len(matrices) == 11
    assert max(matrices.values()) < 4 * 0.01 * 0.2 * 48**0.5 * 0.05  # of the length of the path
