"""AdamW by PyTorch's fused kernel against Keras' own."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.layers.contract import array, random_array

pytestmark = pytest.mark.one_backend("torch")


def steps(optimizer, count=4):
    """The values of three variables after some steps, the last of them without decay."""
    variables = [
        keras.Variable(np.ones(shape, "float32"), name=name)
        for name, shape in (("kernel", (3, 5)), ("embedding", (2, 3, 5)), ("bias", (7,)))
    ]
    optimizer.build(variables)
    optimizer.exclude_from_weight_decay(var_list=variables[-1:])
    generator = np.random.default_rng(0)
    for scale in 10.0 ** -np.arange(count):
        gradients = [scale * generator.standard_normal(v.shape) for v in variables]
        optimizer.apply([ops.convert_to_tensor(g.astype("float32")) for g in gradients], variables)
    return [array(variable) for variable in variables]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"global_clipnorm": 0.5, "use_ema": True},
        {"gradient_accumulation_steps": 2},
        {"epsilon": 1e-2, "beta_1": 0.5, "beta_2": 0.9},
    ],
)
def test_equals_keras(options):
    from cctzoo.training.adamw_torch import AdamW

    options = {"weight_decay": 0.1, **options}
    rate = keras.optimizers.schedules.CosineDecay(0.1, 8)
    expected = steps(keras.optimizers.AdamW(rate, **options))
    for found, wanted in zip(steps(AdamW(rate, **options)), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert np.abs(expected[0] - 1).max() > 0.01


def test_some_of_the_variables():
    """The others keep their values and their moments."""
    from cctzoo.training.adamw_torch import AdamW

    variables = [keras.Variable(np.ones((3, 5), "float32")) for _ in range(2)]
    optimizer = AdamW(0.1)
    optimizer.build(variables)
    optimizer.apply([ops.convert_to_tensor(random_array(3, 5))], variables[1:])
    np.testing.assert_array_equal(array(variables[0]), 1)
    assert np.abs(array(variables[1]) - 1).min() > 0.05
