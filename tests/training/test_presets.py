"""Presets: the numbers of the published recipes."""

import pytest

from cctzoo import training
from cctzoo.data import Augmentation

pytestmark = pytest.mark.one_backend("jax")  # nothing is built


@pytest.mark.parametrize("name", ["cifar10_200", "cifar100_200"])
def test_paper_recipe_of_200_epochs(name):
    """Hassani et al., the table of small models."""
    recipe = training.preset(name, dataset="digits")
    assert (recipe.epochs, recipe.warmup_epochs, recipe.batch_size) == (200, 5, 128)
    assert (recipe.learning_rate, recipe.weight_decay) == (5e-4, 3e-2)
    assert recipe.augmentation == Augmentation(crop_padding=4, flip=True, policy="autoaugment")


@pytest.mark.parametrize(
    ("name", "batch_size", "learning_rate", "weight_decay"),
    [
        ("cifar10_300", 128, 5.5e-4, 6e-2),
        ("cifar100_300", 128, 6e-4, 6e-2),
        ("flowers102", 96, 5e-4, 6e-2),
        ("imagenet", 1024, 5e-4, 5e-2),
    ],
)
def test_recipes_of_the_authors_configurations(name, batch_size, learning_rate, weight_decay):
    recipe = training.preset(name, dataset="digits", image_size=None)
    assert (recipe.epochs, recipe.warmup_epochs, recipe.cooldown_epochs) == (300, 10, 10)
    assert (recipe.batch_size, recipe.learning_rate) == (batch_size, learning_rate)
    assert (recipe.weight_decay, recipe.floor_rate) == (weight_decay, 1e-5)
    found = recipe.augmentation
    assert (found.policy, found.magnitude, found.magnitude_std) == ("randaugment", 9, 0.5)
    assert (found.operations, found.mixup, found.cutmix) == (2, 0.8, 1.0)


def test_unknown_preset():
    with pytest.raises(ValueError, match="name='cifar'"):
        training.preset("cifar")
