"""The compiled optimizer: schedule, weight decay, accumulation and clipping."""

import keras
import numpy as np
import pytest

from cctzoo import data
from cctzoo.training.build import build_model, compile_model, training_model
from tests.training.few import TINY, few_digits


def compiled(recipe, steps=10):
    dataset = recipe.load_data()
    model = training_model(build_model(recipe, dataset), recipe, dataset)
    compile_model(model, recipe, steps)
    return model, dataset


def test_schedule_warms_up_follows_a_cosine_and_stays_at_the_floor():
    recipe = few_digits(
        epochs=3, warmup_epochs=1, cooldown_epochs=2, learning_rate=0.5, floor_rate=0.1
    )
    optimizer = compiled(recipe)[0].optimizer
    rates = []
    for step in (0, 5, 10, 20, 30, 49):
        optimizer.iterations.assign(step)
        rates.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    np.testing.assert_allclose(rates, [1e-5, 0.250005, 0.5, 0.3, 0.1, 0.1], atol=1e-6)
    assert recipe.total_epochs == 5


@pytest.mark.parametrize(
    ("decayed", "names"),
    [("kernels", {"kernel"}), ("matrices", {"kernel", "embedding"}), ("all", None)],
)
def test_weights_that_decay(decayed, names):
    """With a gradient of zero, a step changes only the weights that decay."""
    recipe = few_digits(decayed=decayed, warmup_epochs=0, learning_rate=0.1, weight_decay=0.5)
    model, _ = compiled(recipe)
    variables = model.trainable_variables
    for variable in variables:
        variable.assign(keras.ops.ones(variable.shape))
    model.optimizer.build(variables)
    model.optimizer.apply([keras.ops.zeros(variable.shape) for variable in variables], variables)
    found = {v.path for v in variables if np.all(keras.ops.convert_to_numpy(v) < 0.99)}
    assert found == {v.path for v in variables if names is None or v.name in names}


def one_epoch(recipe):
    """Returns initial and final weights of an epoch without augmentation and dropout."""
    keras.utils.set_random_seed(3)
    model, dataset = compiled(recipe)
    start = model.get_weights()
    batches = data.ImageBatches(dataset.x_train, dataset.y_train, 10, recipe.batch_size)
    model.fit(batches, shuffle=False, verbose=0)
    return start, model.get_weights()


def still(**changes):
    """Returns a recipe whose steps do not depend on how images are divided into batches."""
    return few_digits(
        changes=TINY | {"attention_dropout": 0.0, "stochastic_depth": 0.0},
        augmentation=data.Augmentation(),
        validation=0.04,
        warmup_epochs=0,
        **changes,
    )


def test_accumulation_is_a_larger_batch():
    # 96 images: 6 steps of 16, or 12 of 8 whose gradients are averaged in pairs. The schedule
    # counts steps, so it is flat here: the floor is the rate.
    flat = {"learning_rate": 1e-3, "floor_rate": 1e-3, "warmup_rate": 0.0, "clip_norm": 0.5}
    whole = one_epoch(still(batch_size=16, **flat))[1]
    halves = one_epoch(still(batch_size=8, accumulate=2, **flat))[1]
    moved = one_epoch(still(batch_size=8, **flat))[1]
    assert all(np.allclose(a, b, atol=2e-4) for a, b in zip(whole, halves, strict=True))
    assert not all(np.allclose(a, b, atol=2e-4) for a, b in zip(whole, moved, strict=True))


@pytest.mark.one_backend("torch")  # an option of Keras' optimizers; accumulation clips on each
def test_clipping_limits_the_step():
    """Adam divides by the gradient's size plus 1e-7: only clipping far below that shows."""
    clipped, free = (
        max(np.abs(a - b).max() for a, b in zip(*one_epoch(recipe), strict=True))
        for recipe in (still(clip_norm=norm, weight_decay=0.0) for norm in (1e-9, None))
    )
    assert 0 < clipped < 0.05 * free
