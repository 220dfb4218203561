"""Checks of a recipe's fields, each on its own."""

import os
from pathlib import Path
from typing import Any

from cctzoo.data.loading import COLOR_MODES
from cctzoo.data.splits import parse_fold
from cctzoo.messages import received
from cctzoo.plain_values import check_types, is_one_of

DTYPE_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
OPTIMIZERS = ("adamw", "muon")
DECAYED = ("kernels", "matrices", "all")
CLASS_WEIGHTS = (None, "balanced")
BEST_BY = ("accuracy", "mean_class_accuracy")
LARGEST = 2**31 - 1  # steps and indices are int32


def check_fields(recipe: Any) -> None:
    """Raises ValueError if a number or a choice of a recipe is of a wrong type or out of range."""
    counts = ("epochs", "cooldown_epochs", "batch_size", "accumulate", "warmup_epochs")
    samples = ("train_samples", "test_samples")
    rates = ("learning_rate", "warmup_rate", "floor_rate", "weight_decay")
    parts = ("label_smoothing", "validation", "teacher_weight", "teacher_temperature")
    check_types(
        recipe,
        integers=(*counts, *samples, "seed"),
        numbers=(*rates, *parts, "clip_norm", "ema"),
        booleans=("skip_unreadable",),
        optional=(*samples, "clip_norm", "ema"),
    )
    if recipe.fold is not None:
        parse_fold(recipe.fold)
    rules = {
        "epochs": (recipe.epochs >= 1, "be at least 1"),
        "cooldown_epochs": (recipe.cooldown_epochs >= 0, "be 0 or positive"),
        "batch_size": (recipe.batch_size >= 1, "be at least 1"),
        "accumulate": (recipe.accumulate >= 1, "be at least 1"),
        "learning_rate": (recipe.learning_rate > 0, "be positive"),
        "warmup_epochs": (
            0 <= recipe.warmup_epochs < recipe.epochs,
            f"be from 0 to one below `epochs`, {recipe.epochs}",
        ),
        "warmup_rate": (
            0 <= recipe.warmup_rate <= recipe.learning_rate,
            f"be from 0 to `learning_rate`, {recipe.learning_rate}",
        ),
        "floor_rate": (
            0 <= recipe.floor_rate <= recipe.learning_rate,
            f"be from 0 to `learning_rate`, {recipe.learning_rate}",
        ),
        "weight_decay": (recipe.weight_decay >= 0, "be 0 or positive"),
        "optimizer": (is_one_of(recipe.optimizer, OPTIMIZERS), f"be one of {OPTIMIZERS}"),
        "decayed": (is_one_of(recipe.decayed, DECAYED), f"be one of {DECAYED}"),
        "label_smoothing": (0 <= recipe.label_smoothing < 1, "be in [0, 1)"),
        "teacher_weight": (0 <= recipe.teacher_weight <= 1, "be from 0 to 1"),
        "teacher_temperature": (recipe.teacher_temperature > 0, "be positive"),
        "class_weights": (
            is_one_of(recipe.class_weights, CLASS_WEIGHTS),
            f"be one of {CLASS_WEIGHTS}",
        ),
        "best_by": (is_one_of(recipe.best_by, BEST_BY), f"be one of {BEST_BY}"),
        "color_mode": (is_one_of(recipe.color_mode, COLOR_MODES), f"be one of {COLOR_MODES}"),
        "train_samples": (
            recipe.train_samples is None or recipe.train_samples >= 1,
            "be at least 1",
        ),
        "test_samples": (recipe.test_samples is None or recipe.test_samples >= 1, "be at least 1"),
        "clip_norm": (recipe.clip_norm is None or recipe.clip_norm > 0, "be positive"),
        "ema": (recipe.ema is None or 0 < recipe.ema < 1, "be in (0, 1), or None"),
        "validation": (0 <= recipe.validation < 1, "be in [0, 1)"),
        "seed": (0 <= recipe.seed < 2**32, "be from 0 to 2**32 - 1"),
        "precision": (
            is_one_of(recipe.precision, DTYPE_POLICIES),
            f"be one of {DTYPE_POLICIES}",
        ),
    }
    too_large = {
        name: ((getattr(recipe, name) or 0) <= LARGEST, f"be at most {LARGEST}")
        for name in (*counts, *samples)
    }
    for name, (holds, rule) in (*too_large.items(), *rules.items()):
        if not holds:
            raise ValueError(f"`{name}` must {rule}. {received(**{name: getattr(recipe, name)})}")


def weights_of(source: str) -> str:
    """The trained weights of a source: the last ones of a run, or the source itself."""
    return str(Path(source, "model.keras")) if Path(source, "recipe.json").is_file() else source


def sources_text(name: str, sources: Any) -> tuple[str, ...] | None:
    """One or several tags, addresses or paths as a tuple of str; None for none."""
    if sources is None:
        return None
    listed = (sources,) if isinstance(sources, str | os.PathLike) else sources
    if not isinstance(listed, tuple) or not listed:
        rule = f"`{name}` must be None, a source or a sequence of sources."
        raise ValueError(f"{rule} {received(**{name: sources})}")
    return tuple(str(path_text(name, each)) for each in listed)


def path_text(name: str, path: Any) -> str | None:
    """A path as a str, which JSON takes; raises ValueError for an object that is no path."""
    if path is not None and not isinstance(path, str | os.PathLike):
        raise ValueError(f"`{name}` must be a path or None. {received(**{name: path})}")
    return None if path is None else os.fspath(path)
