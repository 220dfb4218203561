"""Fine-tuning: how the images are read, and settings that depend on the number of samples."""

import dataclasses
import logging
from typing import Any

from cctzoo.data.names import image_options
from cctzoo.training.recipe import Recipe
from cctzoo.weights import open_weights

SAMPLES_SEEN = 4800  # in all epochs together: 300 steps of 16
FEWEST_EPOCHS, MOST_EPOCHS = 10, 300

logger = logging.getLogger(__name__)


def with_model_input(recipe: Recipe) -> Recipe:
    """Returns the recipe with the image size and the colours of its model, if none are given.

    The size is that of the trained model in `start_from`, or of `model` if there is none or its
    file holds only weights. Colours are converted only to those of the trained model. Images
    that cannot be converted, e.g. arrays of one size, keep their size and colours.

    Raises:
        ValueError: if the trained model or the data set does not exist.
    """
    start = None
    if recipe.start_from is not None:
        with open_weights(recipe.start_from, recipe.model) as source:
            start = source.config
            if source.address is not None:  # which names the commit, so that `resume` finds it
                recipe = dataclasses.replace(recipe, start_from=source.address.source)
    config = start or recipe.config()
    wanted: dict[str, Any] = {}
    if config.kind == "images":
        height, width, channels = config.input_shape
        wanted["image_size"] = height, width
        if start is not None and channels in (1, 3):
            wanted["color_mode"] = "rgb" if channels == 3 else "grayscale"
    wanted = {name: value for name, value in wanted.items() if getattr(recipe, name) is None}
    if not wanted:
        return recipe
    options = image_options(recipe.dataset, recipe.data_dir)
    fields = {name: value for name, value in wanted.items() if name in options}
    if not fields:
        return recipe
    recipe = dataclasses.replace(recipe, **fields)
    logger.info(
        "images are read as the model takes them: %s",
        ", ".join(f"{name}={getattr(recipe, name)!r}" for name in fields),
    )
    return recipe


def fine_tuning_settings(samples: int) -> dict[str, Any]:
    """Returns the recipe's batch size, learning rate and epochs for fine-tuning.

    | samples | batch size | learning rate | epochs |
    |---|---|---|---|
    | below 480 | 16, or less for fewer than 16 | 1e-3 | 4800 / samples, at most 300 |
    | below 1000 | 16 | 1e-3 | 10 |
    | below 5000 | 32 | 1e-3 | 10 |
    | from 5000 on | 64 | 1e-3 | 10 |

    They were chosen on sets of 180 to 1,295 images with `cct_2_3x2_32`, see
    `docs/benchmarks/training.md`: the learning rate of a larger model may have to be lower.

    Args:
        samples: number of training samples, at least 1.
    """
    batch_size = 64 if samples >= 5000 else 32 if samples >= 1000 else 16
    while batch_size > samples:
        batch_size //= 2
    epochs = min(max(FEWEST_EPOCHS, round(SAMPLES_SEEN / samples)), MOST_EPOCHS)
    return {"batch_size": batch_size, "learning_rate": 1e-3, "epochs": epochs}
