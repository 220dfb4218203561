"""Presets: the published recipes with their numbers, and recipes of our own.

Sources: Hassani et al., arXiv 2104.05704, and the configurations of the authors' code. The part
held out for validation is our choice. Not yet run at full length; `docs/benchmarks/accuracy.md`
lists the runs so far.
"""

import dataclasses
from typing import Any

from cctzoo.arguments import checked_arguments
from cctzoo.data import Augmentation
from cctzoo.keywords import check_keywords
from cctzoo.messages import did_you_mean, shown
from cctzoo.training.recipe import Recipe

# 200 epochs: the paper's table of small models.
LEGACY = {
    "dataset": "cifar10",
    "model": "cct_7_3x1_32",
    "epochs": 200,
    "warmup_epochs": 5,
    "batch_size": 128,
    "learning_rate": 5e-4,
    "warmup_rate": 0.0,
    "weight_decay": 3e-2,
    "decayed": "all",
    "augmentation": Augmentation(crop_padding=4, flip=True, policy="autoaugment"),
    "validation": 0.02,
}

# 300 epochs with timm's augmentation.
TIMM = Augmentation(crop_scale=(0.8, 1.0), flip=True, policy="randaugment", mixup=0.8, cutmix=1.0)
CIFAR10 = {
    "dataset": "cifar10",
    "model": "cct_7_3x1_32",
    "epochs": 300,
    "cooldown_epochs": 10,
    "warmup_epochs": 10,
    "batch_size": 128,
    "learning_rate": 5.5e-4,
    "warmup_rate": 1e-5,
    "floor_rate": 1e-5,
    "weight_decay": 6e-2,
    "decayed": "matrices",
    "augmentation": dataclasses.replace(TIMM, mixing_epochs=175),
    "validation": 0.02,
    "precision": "mixed_bfloat16",
}
CIFAR100 = CIFAR10 | {
    "dataset": "cifar100",
    "learning_rate": 6e-4,
    "warmup_rate": 1e-6,
    "augmentation": dataclasses.replace(TIMM, erasing=0.25),
}
# Our choice, for an hour on two cores of a processor with matrix units for bfloat16. What each part
# gains is in `docs/benchmarks/accuracy.md`.
FAST = {
    "dataset": "cifar10",
    "model": "cct_conv6_polynomial",
    "epochs": 44,
    "warmup_epochs": 1,
    "batch_size": 256,
    "optimizer": "muon",
    "learning_rate": 4e-3,
    "weight_decay": 0.1,
    "augmentation": Augmentation(crop_padding=4, flip=True, erasing=0.5),
    "validation": 0.02,
    "precision": "mixed_bfloat16",
}
FLOWERS102 = CIFAR100 | {
    "dataset": "oxford_flowers102",
    "model": "cct_7_7x2_224",
    "changes": {"positional_embedding": "sine"},
    "batch_size": 96,
    "learning_rate": 5e-4,
    "validation": 0.1,
}
IMAGENET = CIFAR100 | {
    "dataset": "imagenet2012",
    "model": "cct_14_7x2_224",
    "batch_size": 1024,
    "learning_rate": 5e-4,
    "weight_decay": 5e-2,
    "augmentation": dataclasses.replace(TIMM, crop_scale=(0.08, 1.0), erasing=0.25),
}

# Text models. Model, length, word vectors and dropout are those of the authors' code. They
# published no other training settings, so the rest is our choice.
DOCSTRINGS = {
    "dataset": "docstrings",
    "model": "text_cct_2_k2",
    "changes": {"length": 64, "word_dim": 128, "dropout": 0.3},
    "epochs": 20,
    "warmup_epochs": 2,
    "learning_rate": 2e-3,
    "weight_decay": 0.1,
    "decayed": "matrices",  # word vectors decay too: with so few texts, most words are rare
    "augmentation": Augmentation(),
}
AG_NEWS = DOCSTRINGS | {
    "dataset": "ag_news_subset",
    "changes": {"length": 64, "vocabulary_size": 50_000},
    "epochs": 10,
    "warmup_epochs": 1,
    "batch_size": 128,
    "learning_rate": 5e-4,
    "weight_decay": 0.03,
    "decayed": "kernels",
    "validation": 0.02,
}
IMDB = AG_NEWS | {
    "dataset": "imdb_reviews",
    "changes": {"length": 512, "vocabulary_size": 30_000},
    "batch_size": 64,
    "validation": 0.1,
}

PRESETS: dict[str, dict[str, Any]] = {
    "digits": {},
    "cifar10_200": LEGACY,
    "cifar100_200": LEGACY | {"dataset": "cifar100"},
    "cifar10_fast": FAST,
    "cifar100_fast": FAST | {"dataset": "cifar100"},
    "cifar10_300": CIFAR10,
    "cifar100_300": CIFAR100,
    "flowers102": FLOWERS102,
    "imagenet": IMAGENET,
    "docstrings": DOCSTRINGS,
    "ag_news": AG_NEWS,
    "imdb": IMDB,
}


@checked_arguments
def preset(name: str, **changes: Any) -> Recipe:
    """Returns the recipe of a preset.

    Args:
        name: a key of `PRESETS`.
        changes: other values for some fields of the recipe.

    Raises:
        ValueError: if the name is unknown, or a value is out of range.
        TypeError: if the recipe has no such field.

    Example:
        ```python
        from cctzoo import training

        recipe = training.preset("digits", epochs=10, warmup_epochs=1)
        print(recipe.model, recipe.learning_rate)
        ```
    """
    if name not in PRESETS:
        raise ValueError(
            f"`name` must be one of {', '.join(PRESETS)}.{did_you_mean(name, PRESETS)} "
            f"Received: name={shown(name)}"
        )
    check_keywords("preset", changes, [field.name for field in dataclasses.fields(Recipe)])
    return Recipe(**PRESETS[name] | changes)
