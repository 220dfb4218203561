"""Training: from a recipe to a run directory, and evaluation."""

from cctzoo.training.evaluation import evaluate, predict
from cctzoo.training.fit import TrainingDiverged
from cctzoo.training.label_check import LabelCheck, check_labels
from cctzoo.training.presets import PRESETS, preset
from cctzoo.training.processes import Processes, join_processes
from cctzoo.training.recipe import Recipe
from cctzoo.training.run import Run, is_run, load_recipe, open_run
from cctzoo.training.train import check_directory, resume, train

__all__ = [
    "PRESETS",
    "LabelCheck",
    "Processes",
    "Recipe",
    "Run",
    "TrainingDiverged",
    "check_directory",
    "check_labels",
    "evaluate",
    "is_run",
    "join_processes",
    "load_recipe",
    "open_run",
    "predict",
    "preset",
    "resume",
    "train",
]
