"""Training: a recipe in, a run directory out."""

from cctzoo.training.callbacks import TrainingDiverged
from cctzoo.training.presets import PRESETS, preset
from cctzoo.training.recipe import Recipe
from cctzoo.training.train import Run, check_directory, resume, train

__all__ = [
    "PRESETS",
    "Recipe",
    "Run",
    "TrainingDiverged",
    "check_directory",
    "preset",
    "resume",
    "train",
]
