"""Command lines of the recipes and of the search: flags, notices and one-line errors."""

import argparse
import dataclasses
import json
import logging
import time
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cctzoo.data import Augmentation
from cctzoo.delivery import check_delivery, deliver
from cctzoo.flags import add_field_arguments, flag
from cctzoo.formats.lock import locked
from cctzoo.models import CCTConfig, TextConfig
from cctzoo.program_errors import exit_on_error
from cctzoo.settings import help_texts
from cctzoo.training import (
    PRESETS,
    Recipe,
    check_directory,
    resume,
    train,
)
from cctzoo.training.fine_tuning import fine_tuning_settings, with_model_input
from cctzoo.training.run import load_recipe
from cctzoo.training.train import train_on_data
from cctzoo.weights import open_weights

logger = logging.getLogger(__name__)

DEFAULTS = Recipe()
MODEL_CHANGES = ("heads", "head_dim", "attention", "conv_prefix", "depth", "embed_dim")
TEXT_CHANGES = ("length", "vocabulary_size", "kernel_size")
DATA_FOLDERS = ("data_dir", "manual_dir")
DATA_PLACES = ("dataset", *DATA_FOLDERS)  # may be given with --resume
DATA_OPTIONS = ("image_size", "color_mode", *DATA_FOLDERS)
AUGMENTATION_FIELDS = tuple(typing.get_type_hints(Augmentation))
RECIPE_FIELDS = tuple(
    name for name in typing.get_type_hints(Recipe) if name not in ("changes", "augmentation")
)
SOURCE_HELP = (
    "run directory, tag of trained weights, .keras or .safetensors file, folder of "
    "save_to_folder, or name as in cctzoo.models.list_models()"
)
CONFIG_HELP = help_texts(CCTConfig) | help_texts(TextConfig)


def train_and_deliver(
    description: str, preset: str = "digits", *, fine_tuning: bool = False, **defaults: Any
) -> None:
    """Runs a training recipe: reads the command line, trains, exports and times the model.

    Args:
        description: the description for `--help`.
        preset: the preset without `--preset`.
        fine_tuning: require `--start-from`, and take the settings that are not given from
            `fine_tuning_settings`.
        defaults: values of flags that are not given, e.g. `heads=64`.
    """
    parser = recipe_parser(description, preset, **defaults)
    parser.add_argument("--no-export", action="store_true", help="train only")
    options, recipe, directory = parse(parser, fine_tuning)
    with exit_on_error(parser, directory):
        if not options.no_export:
            check_delivery()
        if recipe is None:
            load_recipe(directory)  # a directory without a run is not to be locked
        with locked(directory):
            run = _train(options, recipe, directory, fine_tuning)
            figures, noun = run.figures, run.dataset.kind
            print(
                f"\ntest accuracy {figures['test_accuracy']:.2%} on "
                f"{figures['test_samples']} {noun}, trained in "
                f"{figures['training_seconds']:.0f} s "
                f"({figures['samples_per_second']:.0f} {noun}/s, {figures['backend']}): "
                f"{directory}\n"
            )
            if not options.no_export:
                with exit_on_error(parser, directory, status=1):
                    deliver(run.model, run.dataset, run.directory)
                print(f"\nall files are in {directory}")


def script_parser(description: str) -> argparse.ArgumentParser:
    """Returns a parser that shows the description of a script as it is written."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def recipe_parser(
    description: str, preset: str = "digits", **defaults: Any
) -> argparse.ArgumentParser:
    """Returns the parser of a training recipe; the arguments are those of `train_and_deliver`."""
    parser = script_parser(description)
    add = parser.add_argument
    add("--directory", type=Path, help="run directory, new or empty (runs/MODEL-TIME)")
    add("--resume", type=Path, metavar="DIRECTORY", help="resume this run with its saved recipe")
    add("--devices", type=int, default=1, help="devices that share each batch (JAX, TensorFlow)")
    add("--workers", type=int, help="threads that decode images (one per processor)")
    add("--tensorboard", action="store_true", help="write TensorBoard events")
    add_recipe_arguments(parser, preset)
    group = parser.add_argument_group("model (default: that of the recipe)")
    for name in MODEL_CHANGES + TEXT_CHANGES:
        group.add_argument(
            flag(name),
            type=_word_or_json if name == "attention" else json.loads,
            metavar="JSON",
            default=argparse.SUPPRESS,
            help=CONFIG_HELP[name],
        )
    parser.set_defaults(**defaults)
    return parser


def _word_or_json(text: str) -> Any:
    """Returns a list in JSON as a list, and a word without quotes as it is."""
    return json.loads(text) if text.startswith(("[", '"')) else text


def add_recipe_arguments(parser: argparse.ArgumentParser, preset: str = "digits") -> None:
    """Adds the flags that `recipe_from` reads: the preset and one flag per recipe field."""
    group = parser.add_argument_group("recipe (default: that of the preset)")
    group.add_argument("--preset", choices=PRESETS, default=preset, help=f"({preset})")
    group.add_argument(
        "--changes",
        type=json.loads,
        metavar="JSON",
        default=argparse.SUPPRESS,
        help='further fields of the model\'s config, e.g. {"dropout": 0.1}',
    )
    add_field_arguments(group, Recipe, RECIPE_FIELDS)
    add_field_arguments(group, Augmentation, AUGMENTATION_FIELDS)


def add_data_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds --dataset and the flags that `data_options` reads; `default` is for the help."""
    group = parser.add_argument_group("data")
    group.add_argument("--dataset", help=f"name of a data set, as in data.load ({default})")
    add_field_arguments(group, Recipe, DATA_OPTIONS)


def parse(
    parser: argparse.ArgumentParser, fine_tuning: bool = False
) -> tuple[argparse.Namespace, Recipe | None, Path]:
    """Reads the command line of a parser of `recipe_parser`; wrong arguments end the program.

    Args:
        parser: the parser.
        fine_tuning: require `--start-from`. The settings in the recipe are then those for one
            sample, unless they are given.

    Returns:
        (parsed arguments, recipe, run directory). With `--resume`, the recipe is `None`.
    """
    show_notices()
    options = parser.parse_args()
    with exit_on_error(parser):
        if options.resume:
            _check_resumed(parser, options)
            return options, None, options.resume
        values = vars(options)
        if fine_tuning:
            if values.get("start_from") is None:
                raise ValueError(
                    "Fine-tuning starts from trained weights: give --start-from with a tag, e.g. "
                    "cct_2_3x2_32.cifar10, or a file, e.g. runs/MY_RUN/best.keras. "
                    "Received: no --start-from"
                )
            values = fine_tuning_settings(1) | values
        recipe = recipe_from(values)
        started = time.strftime("%Y%m%d-%H%M%S")
        directory = options.directory or Path("runs", f"{recipe.model}-{started}")
        check_directory(directory)
        return options, recipe, directory


def training_options(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the keywords of `training.train` that are not part of a recipe."""
    return {name: getattr(options, name) for name in ("devices", "workers", "tensorboard")}


def data_options(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the data options that were given, as keywords of `data.load`."""
    return {name: getattr(options, name) for name in DATA_OPTIONS if name in options}


def data_folders(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the data folders that were given, as fields of a recipe."""
    return {name: getattr(options, name) for name in DATA_FOLDERS if name in options}


def data_places(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the new places of a run's data that were given, as keywords of `resume`."""
    return {name: getattr(options, name) for name in DATA_PLACES if name in options}


def recipe_from(values: Mapping[str, Any]) -> Recipe:
    """Returns the recipe that a command line describes.

    Args:
        values: parsed arguments by name, with the flags of `add_recipe_arguments`. Fields that
            are absent have the values of the preset. If only `epochs` is given, the warm-up
            changes in proportion.

    Raises:
        ValueError: if a value is out of range, or the data or a file do not exist.
    """
    given = {name: values[name] for name in RECIPE_FIELDS if name in values}
    policy = {name: values[name] for name in AUGMENTATION_FIELDS if name in values}
    changes = {name: values[name] for name in MODEL_CHANGES + TEXT_CHANGES if name in values}
    fields = {"changes": {}, "augmentation": DEFAULTS.augmentation} | PRESETS[values["preset"]]
    own_changes = values.get("changes", {}) | changes
    fields["changes"] = fields["changes"] | own_changes
    fields["augmentation"] = dataclasses.replace(fields["augmentation"], **policy)
    epochs = None if "warmup_epochs" in given else given.pop("epochs", None)
    recipe = Recipe(**fields | given)
    recipe.check_sources()
    if recipe.start_from is not None:
        with open_weights(recipe.start_from, recipe.model) as source:
            if source.config is not None:  # the preset's changes are for another model
                recipe = dataclasses.replace(recipe, changes=own_changes)
    recipe = with_model_input(recipe)
    return recipe if epochs is None else recipe.with_epochs(epochs)


class _Notices(logging.Handler):
    """Prints the messages of the package to the current stdout, without level or time."""

    def emit(self, record):
        print(self.format(record), flush=True)


def show_notices() -> None:
    """Shows the package's notices, which go to the logger "cctzoo", as plain lines on stdout."""
    logger = logging.getLogger("cctzoo")
    logger.setLevel(logging.INFO)
    logger.propagate = False  # TensorFlow adds a handler to the root logger, which repeats them
    if not any(isinstance(handler, _Notices) for handler in logger.handlers):
        logger.addHandler(_Notices())


def _train(options, recipe, directory, fine_tuning):
    """Returns the run of a command line; `recipe` is None with --resume."""
    if recipe is None:
        return resume(directory, **data_places(options), **training_options(options))
    if not fine_tuning:
        return train(recipe, directory, **training_options(options))
    check_directory(directory)
    dataset = recipe.load_data()
    recipe = _with_settings_for(dataset, recipe, vars(options))
    return train_on_data(recipe, dataset, directory, **training_options(options))


def _with_settings_for(dataset, recipe, values):
    """Returns the recipe of a command line with the settings for fine-tuning on a data set."""
    count = len(dataset.x_train)
    chosen = {k: v for k, v in fine_tuning_settings(count).items() if k not in values}
    if chosen:
        flags = " ".join(f"{flag(name)} {value}" for name, value in chosen.items())
        logger.info("%d training %s, therefore %s", count, dataset.kind, flags)
    loaded = {name: getattr(recipe, name) for name in ("image_size", "color_mode")}
    return recipe_from(chosen | values | loaded)


def _check_resumed(parser, options):
    """Raises ValueError if flags of a recipe are given next to --resume."""
    names = ("directory", "preset", "changes", *RECIPE_FIELDS, *AUGMENTATION_FIELDS)
    odd = sorted(
        flag(name)
        for name in {*names, *MODEL_CHANGES, *TEXT_CHANGES} - {*DATA_PLACES}
        if name in options and getattr(options, name) != parser.get_default(name)
    )
    if odd:
        raise ValueError(
            "`--resume` uses the saved recipe; flags of the recipe are not allowed. "
            f"Received: --resume with {', '.join(odd)}"
        )
