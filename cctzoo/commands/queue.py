"""Trains the recipes of a plan one after another, and compares their test accuracies.

The plan is a TOML file. `[runs.NAME]` has fields of a recipe, as in the file of `cctzoo train
--config`, and `preset`; `[all]` has fields of every run; each run is trained with every seed:

    seeds = [0, 1, 2]

    [all]
    dataset = "npz:cifar10.npz"
    preset = "cifar10_300"
    epochs = 30

    [runs.softmax]
    model = "cct_conv"

    [runs.polynomial]
    model = "cct_conv"
    changes = { attention = "polynomial" }

The same command continues a queue that was stopped, and trains runs that were added to the plan.
Several processes can work on one directory: each takes a run that no other one is training. A run
that fails does not stop the others: the table names its error, and the exit status is 1.

    cctzoo queue plan.toml --directory runs/attention
    cctzoo queue plan.toml --directory runs/attention --dry-run
"""

import argparse
import logging
import re
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cctzoo import cli
from cctzoo.delivery import deliver_run, is_delivered
from cctzoo.formats.atomic import write_json
from cctzoo.formats.lock import DirectoryInUse, locked
from cctzoo.formats.reading import read_toml, reading
from cctzoo.messages import did_you_mean, received, shown
from cctzoo.plain_values import is_integer, is_one_of
from cctzoo.recipe_flags import recipe_from
from cctzoo.runs import check_same_recipe, train_or_open
from cctzoo.training import PRESETS, Recipe, is_run, open_run
from cctzoo.training.processes import check_alone

WHAT = "a plan: a TOML file with tables [runs.NAME] of fields of a recipe"
KEYS = ("seeds", "all", "runs")
NAME = re.compile(r"[\w][\w.-]*")  # is the name of a folder
NESTED = ("changes", "augmentation")

logger = logging.getLogger(__name__)


class Queued(NamedTuple):
    """A run of the plan: its name and seed, its recipe and its directory."""

    name: str
    seed: int
    recipe: Recipe
    directory: Path


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    options.directory = options.directory or Path("runs", options.plan.stem)
    cli.show_notices()
    with cli.exit_on_error(parser):
        check_alone("A queue of trainings")
        queue = read_plan(options.plan, options.directory)
        cli.check_exports(options)
        try:
            errors = {} if options.dry_run else train_queue(queue, options)
        except KeyboardInterrupt:
            logger.info("\nThe same command continues the queue in %s", options.directory)
            raise
        rows = summary(queue, errors)
        if not options.dry_run:
            write_json(options.directory / "results.json", rows)
        print(f"\n{table(rows)}")
    if errors:
        sys.exit(1)


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    add = parser.add_argument
    add("plan", type=Path, metavar="PLAN.toml", help="the plan")
    add("--directory", type=Path, help="folder of the runs (runs/ and the name of the plan)")
    add("--dry-run", action="store_true", help="check the plan, and print what is trained already")
    cli.add_training_arguments(parser)
    add("--no-export", action="store_true", help="train only")
    return parser


def read_plan(path: Path, directory: Path) -> list[Queued]:
    """Returns the runs of a plan, seed by seed.

    Raises:
        ValueError: if the plan is broken, one of its recipes is, or the folder of a run has a run
            of another recipe.
    """
    plan = read_toml(path, WHAT, "plan")
    with reading(path, WHAT, "plan"):
        for key in plan:
            if key not in KEYS:
                raise ValueError(f"it has no key {shown(key)}.{did_you_mean(key, KEYS)}")
        seeds, shared, runs = plan.get("seeds", [0]), plan.get("all", {}), plan.get("runs", {})
        if not isinstance(seeds, list) or not seeds or not all(map(is_integer, seeds)):
            raise ValueError(f"`seeds` must be a list of integers, not {shown(seeds)}")
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"`seeds` must differ, not {shown(seeds)}")
        tables = {"[all]": shared} | {f"[runs.{name}]": table for name, table in runs.items()}
        if len(tables) == 1:
            raise ValueError("it must have at least one table [runs.NAME]")
        for title, fields in tables.items():
            if not isinstance(fields, dict) or "seed" in fields:
                raise ValueError(f"{title} must be a table of fields of a recipe, without `seed`")
            for key in NESTED:
                if not isinstance(fields.get(key, {}), dict):
                    raise ValueError(
                        f"`{key}` of {title} must be a table, not {shown(fields[key])}"
                    )
        if odd := [name for name in runs if not NAME.fullmatch(name)]:
            raise ValueError(f"the name of a run must be that of a folder, not {shown(odd[0])}")
    queue = []
    for seed in seeds:
        for name, fields in runs.items():
            recipe = _recipe(f"[runs.{name}] of {path}", _joined(shared, fields), seed)
            queue.append(Queued(name, seed, recipe, directory / name / f"seed{seed}"))
    for each in queue:
        check_same_recipe(each.recipe, each.directory)
    return queue


def _joined(shared: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of all runs with those of one, which take precedence."""
    both = {key: shared.get(key, {}) | fields.get(key, {}) for key in NESTED}
    return {**shared, **fields, **{key: value for key, value in both.items() if value}}


def _recipe(title, fields, seed):
    preset = fields.pop("preset", "digits")
    if not is_one_of(preset, tuple(PRESETS)):
        hint = did_you_mean(str(preset), PRESETS)
        raise ValueError(
            f"{title}: `preset` must be one of {', '.join(PRESETS)}.{hint} "
            f"{received(preset=preset)}"
        )
    try:
        return recipe_from({"preset": preset, "config": fields, "seed": seed})
    except ValueError as error:
        raise ValueError(f"{title}: {error}") from error


def train_queue(queue: list[Queued], options: argparse.Namespace) -> dict[Path, str]:
    """Trains what is not trained yet; returns the errors of the runs that failed."""
    errors = {}
    for place, each in enumerate(queue, 1):
        print(f"\n{each.name}, seed {each.seed} ({place} of {len(queue)})", flush=True)
        try:
            with locked(each.directory):
                run = train_or_open(each.recipe, each.directory, **cli.training_options(options))
                if not options.no_export and not is_delivered(each.directory):
                    deliver_run(run)
        except DirectoryInUse:
            logger.info("in training by another process")
        except Exception as error:  # the others are trained all the same; the table has the error
            logger.exception("%s, seed %s has failed", each.name, each.seed)
            errors[each.directory] = f"{type(error).__name__}: {error}".partition("\n")[0]
    return errors


def summary(queue: list[Queued], errors: Mapping[Path, str]) -> list[dict[str, Any]]:
    """Returns a row for each name of the plan, with the test accuracies of its seeds."""
    rows = {}
    for each in queue:
        row = rows.setdefault(each.name, {"name": each.name, "runs": []})
        row["runs"].append({"seed": each.seed} | _state(each, errors))
    for row in rows.values():
        found = [run["test_accuracy"] for run in row["runs"] if "test_accuracy" in run]
        row["mean"] = statistics.mean(found) if found else None
        row["deviation"] = statistics.stdev(found) if len(found) > 1 else None
    return list(rows.values())


def _state(each, errors):
    if each.directory in errors:
        return {"state": "failed", "error": errors[each.directory]}
    if (each.directory / "report.json").is_file():
        figures = open_run(each.directory).figures
        kept = {name: figures[name] for name in ("test_accuracy", "training_seconds")}
        return {"state": "finished"} | kept
    return {"state": "started" if is_run(each.directory) else "not started"}


def table(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as a table in Markdown, accuracies in percent."""
    lines = ["| run | finished | test accuracy | training |", "|---|---|---|---|"]
    notes = []
    for row in rows:
        runs = row["runs"]
        finished = [run for run in runs if run["state"] == "finished"]
        accuracy = "" if row["mean"] is None else f"{row['mean']:.2%}"
        if row["deviation"] is not None:
            accuracy = f"{100 * row['mean']:.2f} ± {row['deviation']:.2%}"
        seconds = sum(run["training_seconds"] for run in finished)
        lines.append(
            f"| {row['name']} | {len(finished)} of {len(runs)} | {accuracy} | {seconds:.0f} s |"
        )
        notes += [
            f"{row['name']}, seed {run['seed']}: {run['error']}" for run in runs if "error" in run
        ]
    return "\n".join([*lines, *notes])
