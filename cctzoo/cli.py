"""Command lines of the recipes and of the search: flags, notices and one-line errors."""

import argparse
import contextlib
import dataclasses
import functools
import json
import logging
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cctzoo.delivery import check_delivery
from cctzoo.flags import add_field_arguments, flag
from cctzoo.models import CCTConfig, TextConfig
from cctzoo.program_errors import exit_on_error
from cctzoo.recipe_flags import (
    AUGMENTATION_FIELDS,
    DATA_FOLDERS,
    DATA_OPTIONS,
    DATA_PLACES,
    MODEL_CHANGES,
    RECIPE_FIELDS,
    TEXT_CHANGES,
    WORDS,
    add_recipe_arguments,
    recipe_from,
    with_config,
)
from cctzoo.settings import help_texts
from cctzoo.training import Recipe, check_directory
from cctzoo.training.devices import use_devices
from cctzoo.training.fine_tuning import fine_tuning_settings
from cctzoo.training.processes import Processes, join_processes
from cctzoo.weights.registry import WEIGHTS

SOURCE_HELP = (
    "run directory, tag of trained weights, .keras or .safetensors file, folder of "
    "save_to_folder or its address (hf://user/name), or name as in `cctzoo list`"
)
CONFIG_HELP = help_texts(CCTConfig) | help_texts(TextConfig)
PACKAGE = Path(__file__).parent
PYTHONS_FORMAT = warnings.formatwarning  # which `show_notices` replaces


def script_parser(description: str | None, usage: str | None = None) -> argparse.ArgumentParser:
    """Returns a parser that shows the description of a script as it is written.

    Args:
        description: the description.
        usage: the first line of the help, in place of a list of all flags.
    """
    return argparse.ArgumentParser(
        description=description,
        usage=usage,
        formatter_class=functools.partial(
            argparse.RawDescriptionHelpFormatter, max_help_position=30
        ),
    )


def add_devices_argument(group: Any) -> None:
    """Adds --devices to a parser or a group of its arguments."""
    text = "devices that share each batch (JAX, TensorFlow)"
    group.add_argument("--devices", type=int, default=1, help=text)


@contextlib.contextmanager
def shared_work(options: argparse.Namespace) -> Iterator[Processes]:
    """Joins the processes of a launcher; within the block, this one uses `--devices` devices.

    Only the first process shows notices: on stderr with `--json`.
    """
    processes = join_processes()
    if processes.first:
        show_notices("stderr" if getattr(options, "json", False) else "stdout")
    with use_devices(options.devices):
        yield processes


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Adds --json, with which a command prints one JSON object and its notices go to stderr."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def print_json(figures: Any) -> None:
    """Prints JSON data, or a dataclass, as one JSON document."""
    values = dataclasses.asdict(figures) if dataclasses.is_dataclass(figures) else figures
    print(json.dumps(values, indent=2, ensure_ascii=False))


def recipe_parser(
    description: str | None, preset: str = "digits", **defaults: Any
) -> argparse.ArgumentParser:
    """Returns the parser of a training recipe; the arguments are those of `commands.train`."""
    parser = script_parser(description, usage="%(prog)s [options]")
    add = parser.add_argument
    add("--directory", type=Path, help="run directory, new or empty (runs/MODEL-TIME)")
    add("--resume", type=Path, metavar="DIRECTORY", help="resume this run with its saved recipe")
    add_recipe_flags(parser, preset)
    parser.set_defaults(script_defaults=defaults)
    return parser


def add_recipe_flags(parser: argparse.ArgumentParser, preset: str = "digits") -> None:
    """Adds the flags that `training_options` and `recipe_from` read, those of the model too."""
    add_training_arguments(parser)
    group = add_recipe_arguments(parser, preset)
    for name in MODEL_CHANGES + TEXT_CHANGES:
        group.add_argument(
            flag(name),
            type=_word_or_json if name in WORDS else json.loads,
            metavar="JSON",
            default=argparse.SUPPRESS,
            help=CONFIG_HELP[name],
        )


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that `training_options` reads."""
    add = parser.add_argument
    add_devices_argument(parser)
    add("--workers", type=int, help="threads that decode images (one per processor)")
    add(
        "--worker-processes",
        action="store_true",
        help="decode images in processes instead of threads (faster for small images)",
    )
    add("--tensorboard", action="store_true", help="write TensorBoard events")


def _word_or_json(text: str) -> Any:
    """Returns a list in JSON as a list, and a word without quotes as it is."""
    return json.loads(text) if text.startswith(("[", '"')) else text


def add_data_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds --dataset and the flags that `data_options` reads; `default` is for the help."""
    group = parser.add_argument_group("data")
    text = f"{help_texts(Recipe)['dataset']} ({default})"
    group.add_argument("--dataset", metavar="NAME", help=text)
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
    options = parser.parse_args()
    with exit_on_error(parser):
        processes = join_processes()
        if processes.first:
            show_notices()
        if options.resume:
            _check_resumed(parser, options)
            return options, None, options.resume
        values = with_config(vars(options))
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
        directory = Path(processes.from_first(str(directory)))
        if processes.first:
            check_directory(directory)
        return options, recipe, directory


def check_exports(options: argparse.Namespace) -> None:
    """Raises ModuleNotFoundError if a package for the exports is missing, without --no-export."""
    if options.no_export:
        return
    try:
        check_delivery()
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error}, or give --no-export", name=error.name) from None


def training_options(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the keywords of `training.train` that are not part of a recipe."""
    names = ("devices", "workers", "worker_processes", "tensorboard")
    return {name: getattr(options, name) for name in names}


def dataset_of(options: argparse.Namespace, source: str) -> str | None:
    """Returns the data set of `--dataset`; without it, that on which a tag was evaluated.

    Args:
        options: parsed arguments with the flags of `add_data_arguments`.
        source: the model, as `runs.load_model` takes it. A run has its own data set: None.
    """
    row = WEIGHTS.get(source)
    return options.dataset or (row.dataset if row else None)


def data_options(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the data options that were given, as keywords of `data.load`."""
    return {name: getattr(options, name) for name in DATA_OPTIONS if name in options}


def data_folders(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the data folders that were given, as fields of a recipe."""
    return {name: getattr(options, name) for name in DATA_FOLDERS if name in options}


def data_places(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the new places of a run's data that were given, as keywords of `resume`."""
    return {name: getattr(options, name) for name in DATA_PLACES if name in options}


class _Notices(logging.Handler):
    """Prints the messages of the package to the current stdout or stderr, without level or time."""

    stream = "stdout"

    def emit(self, record):
        print(self.format(record), file=getattr(sys, self.stream), flush=True)


def show_notices(stream: str = "stdout") -> None:
    """Shows the package's notices, which go to the logger "cctzoo", and warnings as plain lines.

    Args:
        stream: `"stdout"`, or `"stderr"` for a command whose output is JSON.
    """
    _Notices.stream = stream
    logger = logging.getLogger("cctzoo")
    logger.setLevel(logging.INFO)
    logger.propagate = False  # TensorFlow adds a handler to the root logger, which repeats them
    if not any(isinstance(handler, _Notices) for handler in logger.handlers):
        logger.addHandler(_Notices())
    warnings.formatwarning = _format_warning


def _format_warning(message, category, filename, lineno, line=None):
    """One line for a warning of the package, without the place in its code."""
    if category is UserWarning and Path(filename).is_relative_to(PACKAGE):
        return f"warning: {message}\n"
    return PYTHONS_FORMAT(message, category, filename, lineno, line)


def _check_resumed(parser, options):
    """Raises ValueError if flags of a recipe are given next to --resume."""
    names = ("directory", "preset", "config", "changes", *RECIPE_FIELDS, *AUGMENTATION_FIELDS)
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
