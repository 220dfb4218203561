"""The published recipes, and ours for the quick start; numbers as their sources have them.

Sources: Hassani et al., arXiv 2104.05704, and the configurations of the authors' code. What
they leave open (how much is held out for validation) is ours. None was run here at full
length; `docs/benchmarks.md` has what was.
"""

import dataclasses

from cctzoo.data import Augmentation
from cctzoo.training.recipe import Recipe

# 200 epochs, the paper's table of small models.
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

# 300 epochs, with timm's augmentation.
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
FLOWERS102 = CIFAR100 | {
    "dataset": "oxford_flowers102",
    "model": "cct_7_7x2_224",
    "changes": {"positional_embedding": "sine"},
    "batch_size": 96,
    "learning_rate": 5e-4,
    "image_size": 224,
    "validation": 0.1,
}
IMAGENET = CIFAR100 | {
    "dataset": "imagenet2012",
    "model": "cct_14_7x2_224",
    "batch_size": 1024,
    "learning_rate": 5e-4,
    "weight_decay": 5e-2,
    "augmentation": dataclasses.replace(TIMM, crop_scale=(0.08, 1.0), erasing=0.25),
    "image_size": 224,
}

# Texts. Model, length, word vectors and dropout as in the authors' code; of their training
# nothing is published but the accuracies, so that the rest is ours.
DOCSTRINGS = {
    "dataset": "docstrings",
    "model": "text_cct_2_k2",
    "changes": {"length": 64, "word_dim": 128, "dropout": 0.3},
    "epochs": 20,
    "warmup_epochs": 2,
    "learning_rate": 2e-3,
    "weight_decay": 0.1,
    "decayed": "matrices",  # the word vectors too: most words of so few texts are rare
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

PRESETS = {
    "digits": {},
    "cifar10_200": LEGACY,
    "cifar100_200": LEGACY | {"dataset": "cifar100"},
    "cifar10_300": CIFAR10,
    "cifar100_300": CIFAR100,
    "flowers102": FLOWERS102,
    "imagenet": IMAGENET,
    "docstrings": DOCSTRINGS,
    "ag_news": AG_NEWS,
    "imdb": IMDB,
}


def preset(name, **changes):
    """The `Recipe` of a preset, with other values for some of its fields.

    Raises:
        ValueError: for an unknown name, and as `Recipe` does.
    """
    if name not in PRESETS:
        raise ValueError(f"A preset must be one of {', '.join(PRESETS)}. Received: name={name!r}")
    return Recipe(**PRESETS[name] | changes)
