"""Training: a recipe in, a run directory out."""

from cctzoo.training.recipe import Recipe
from cctzoo.training.train import Run, check_directory, train, write_json

__all__ = ["Recipe", "Run", "check_directory", "train", "write_json"]
