"""Trains a compact transformer of any size, exports it and times the exported files.

Without arguments: cct_2_3x2_32 on scikit-learn's handwritten digits (1,797 images, offline), in a
run directory with recipe, history, curves, weights, exports and a report.

    cctzoo train
    cctzoo train --dataset folder:photos --model cct_conv --epochs 30
    cctzoo train --preset docstrings --heads 64
    cctzoo train --config recipe.json --epochs 100
    cctzoo train --resume runs/MY_RUN
"""

import argparse
import logging
import shlex
from typing import Any

from cctzoo import cli
from cctzoo.delivery import deliver_run
from cctzoo.flags import flag
from cctzoo.formats.lock import locked
from cctzoo.recipe_flags import recipe_from, with_config
from cctzoo.training import Run, check_directory, resume, train
from cctzoo.training.fine_tuning import fine_tuning_settings
from cctzoo.training.processes import join_processes
from cctzoo.training.run import load_recipe
from cctzoo.training.train import train_on_data

logger = logging.getLogger(__name__)


def main(
    description: str | None = __doc__,
    preset: str = "digits",
    *,
    fine_tuning: bool = False,
    **defaults: Any,
) -> None:
    """Runs a training recipe: reads the command line, trains, exports and times the model.

    Args:
        description: the description for `--help`.
        preset: the preset without `--preset`.
        fine_tuning: require `--start-from`, and take the settings that are not given from
            `fine_tuning_settings`.
        defaults: values of flags that are not given, e.g. `heads=64`.
    """
    parser = make_parser(description, preset, **defaults)
    options, recipe, directory = cli.parse(parser, fine_tuning)
    with cli.exit_on_error(parser, directory):
        cli.check_exports(options)
        if recipe is None:
            load_recipe(directory)  # a directory without a run is not to be locked
        if not join_processes().first:
            _train(options, recipe, directory, fine_tuning)
            return
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
                with cli.exit_on_error(parser, directory, status=1):
                    deliver_run(run)
                print(f"\nall files are in {directory}")
            print(next_steps(run))


def next_steps(run: Run) -> str:
    """What to type after a training."""
    name = shlex.quote(str(run.directory))
    if run.dataset.kind == "texts":
        samples = '"a text"'
    else:
        samples = "IMAGES" if run.model.config.view else "IMAGES --resize"
    return (
        f"next:\n  cctzoo predict {name} {samples}\n  cctzoo analyse {name}\n"
        f"  cctzoo export {name} --formats int8"
    )


def make_parser(
    description: str | None = __doc__, preset: str = "digits", **defaults: Any
) -> argparse.ArgumentParser:
    """Returns the parser of the command; the arguments are those of `main`."""
    parser = cli.recipe_parser(description, preset, **defaults)
    parser.add_argument("--no-export", action="store_true", help="train only")
    return parser


def _train(options, recipe, directory, fine_tuning):
    """Returns the run of a command line; `recipe` is None with --resume."""
    if recipe is None:
        return resume(directory, **cli.data_places(options), **cli.training_options(options))
    if not fine_tuning:
        return train(recipe, directory, **cli.training_options(options))
    if join_processes().first:
        check_directory(directory)
    with join_processes().first_goes_ahead():
        dataset = recipe.load_data()
    recipe = _with_settings_for(dataset, recipe, with_config(vars(options)))
    return train_on_data(recipe, dataset, directory, **cli.training_options(options))


def _with_settings_for(dataset, recipe, values):
    """Returns the recipe of a command line with the settings for fine-tuning on a data set."""
    count = len(dataset.x_train)
    chosen = {k: v for k, v in fine_tuning_settings(count).items() if k not in values}
    if chosen:
        flags = " ".join(f"{flag(name)} {value}" for name, value in chosen.items())
        logger.info("%d training %s, therefore %s", count, dataset.kind, flags)
    loaded = {name: getattr(recipe, name) for name in ("image_size", "color_mode")}
    return recipe_from(chosen | values | loaded)
