"""The flags of a recipe, its file, and the recipe that a command line describes."""

import argparse
import dataclasses
import json
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cctzoo.data import Augmentation
from cctzoo.data.names import check_prepared
from cctzoo.flags import add_field_arguments
from cctzoo.formats.reading import read_json, read_toml, reading
from cctzoo.messages import did_you_mean, shown
from cctzoo.models import CCTConfig, TextConfig
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.plain_values import is_integer
from cctzoo.settings import options
from cctzoo.training import PRESETS, Recipe
from cctzoo.training.fine_tuning import with_model_input
from cctzoo.training.recipe_checks import sources_text
from cctzoo.weights import open_weights
from cctzoo.weights.address import without_download

DEFAULTS = Recipe()
WORDS = ("attention", "activation", *options(EncoderConfig))  # changes that need no quotes
MODEL_CHANGES = ("heads", "head_dim", *WORDS, "conv_prefix", "depth", "embed_dim")
TEXT_CHANGES = ("length", "vocabulary_size", "kernel_size")
DATA_FOLDERS = ("data_dir", "manual_dir")
DATA_PLACES = ("dataset", "labels", *DATA_FOLDERS)  # may be given with --resume
DATA_OPTIONS = ("image_size", "color_mode", *DATA_FOLDERS)
DATA_FIELDS = (
    *("dataset", "validation", "fold", "labels", "train_samples", "test_samples"),
    "skip_unreadable",
    *DATA_OPTIONS,
)
MODEL_FIELDS = ("model", "start_from", "word_vectors")
AUGMENTATION_FIELDS = tuple(typing.get_type_hints(Augmentation))
RECIPE_FIELDS = tuple(
    name for name in typing.get_type_hints(Recipe) if name not in ("changes", "augmentation")
)
CONFIGS = (CCTConfig, TextConfig)


def add_recipe_arguments(
    parser: argparse.ArgumentParser, preset: str = "digits"
) -> argparse._ArgumentGroup:
    """Adds the flags that `recipe_from` reads: the preset and one flag per recipe field.

    Returns:
        The group of the model's flags.
    """
    values = {"augmentation": DEFAULTS.augmentation} | PRESETS[preset]
    group = parser.add_argument_group(f"recipe (in brackets: the values of the preset {preset})")
    names = ", ".join(PRESETS)
    group.add_argument("--preset", choices=PRESETS, default=preset, metavar="NAME", help=names)
    group.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="recipe.json of a run, or a TOML file with fields of a recipe; flags take precedence",
    )
    add_field_arguments(parser.add_argument_group("data"), Recipe, DATA_FIELDS, values)
    group = parser.add_argument_group("training")
    own = [name for name in RECIPE_FIELDS if name not in (*DATA_FIELDS, *MODEL_FIELDS)]
    add_field_arguments(group, Recipe, own, values)
    group = parser.add_argument_group("augmentation")
    policy = dataclasses.asdict(values["augmentation"])
    add_field_arguments(group, Augmentation, AUGMENTATION_FIELDS, policy)
    group = parser.add_argument_group("model")
    add_field_arguments(group, Recipe, MODEL_FIELDS, values)
    group.add_argument(
        "--changes",
        type=json.loads,
        metavar="JSON",
        default=argparse.SUPPRESS,
        help='further fields of the model\'s config, e.g. {"dropout": 0.1}',
    )
    return group


def with_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a command line completed by the file of --config, and by the defaults of a script.

    Args:
        values: parsed arguments by name; `config` and `script_defaults` are not in the result.
            `config` is the path of the file, or the fields in it.

    Raises:
        ValueError: if the file is broken or has an unknown field, or names a folder to which a set
            of TensorFlow Datasets would be downloaded.
    """
    values = dict(values)
    defaults, config = values.pop("script_defaults", {}), values.pop("config", None)
    if config is None:
        return defaults | values
    read = _checked_fields if isinstance(config, Mapping) else _read_config
    found, changes = read(config)
    if found.get("data_dir") is not None and "data_dir" not in values:
        check_prepared(values.get("dataset", found.get("dataset")), found["data_dir"])
    if "start_from" in found:
        found["start_from"] = without_download(found["start_from"])
    if teachers := sources_text("teacher", found.get("teacher")):
        found["teacher"] = tuple(map(without_download, teachers))
    kept = {name: value for name, value in defaults.items() if name not in changes}
    return kept | found | values | {"changes": changes | values.get("changes", {})}


def _read_config(path):
    """The fields of recipe and augmentation in a file, and the changes of the model."""
    what = "a recipe.json, or a TOML file with fields of a recipe"
    read = read_toml if path.suffix == ".toml" else read_json
    fields = read(path, what, "config")
    with reading(path, what, "config"):
        return _checked_fields(fields)


def _checked_fields(fields):
    """The fields of recipe and augmentation, and the changes of the model."""
    fields = dict(fields)
    policy, changes = (fields.pop(name, {}) for name in ("augmentation", "changes"))
    model_fields = [field.name for kind in CONFIGS for field in dataclasses.fields(kind)]
    for name, group, known in (
        ("the recipe", fields, RECIPE_FIELDS),
        ("`augmentation`", policy, AUGMENTATION_FIELDS),
        ("`changes`", changes, model_fields),
    ):
        if not isinstance(group, dict):
            raise ValueError(f"{name} must be an object of fields, not {shown(group)}")
        for each in group:
            if each not in known:
                hint = did_you_mean(each, known)
                raise ValueError(f"{name} has no field {shown(each)}.{hint}")
    found = {k: tuple(v) if isinstance(v, list) else v for k, v in (policy | fields).items()}
    if not isinstance(found.get("start_from"), str | None):
        raise ValueError(f"`start_from` must be a str, not {shown(found['start_from'])}")
    return found, changes


def recipe_from(values: Mapping[str, Any]) -> Recipe:
    """Returns the recipe that a command line describes.

    Args:
        values: parsed arguments by name, with the flags of `add_recipe_arguments`. Fields that
            are absent have the values of the preset. If only `epochs` is given, the warm-up
            changes in proportion.

    Raises:
        ValueError: if a value is out of range, or the data or a file do not exist.
    """
    values = with_config(values)
    given = {name: values[name] for name in RECIPE_FIELDS if name in values}
    policy = {name: values[name] for name in AUGMENTATION_FIELDS if name in values}
    changes = {name: values[name] for name in MODEL_CHANGES + TEXT_CHANGES if name in values}
    fields = {"changes": {}, "augmentation": DEFAULTS.augmentation} | PRESETS[values["preset"]]
    own_changes = values.get("changes", {}) | changes
    fields["changes"] = fields["changes"] | own_changes
    fields["augmentation"] = dataclasses.replace(fields["augmentation"], **policy)
    epochs = None
    if "warmup_epochs" not in given and is_integer(given.get("epochs")):
        epochs = given.pop("epochs")
    recipe = Recipe(**fields | given)
    recipe.check_sources()
    if recipe.start_from is not None:
        with open_weights(recipe.start_from, recipe.model) as source:
            if source.config is not None:  # the preset's changes are for another model
                recipe = dataclasses.replace(recipe, changes=own_changes)
    recipe = with_model_input(recipe)
    return recipe if epochs is None else recipe.with_epochs(epochs)
