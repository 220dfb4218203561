"""The command line of the search: its flags, and the plan that they describe."""

import argparse
import dataclasses
import secrets
import time
import typing
from pathlib import Path
from typing import Any

from cctzoo.cli import script_parser
from cctzoo.flags import flag
from cctzoo.recipe_flags import add_recipe_arguments, recipe_from
from cctzoo.settings import help_texts
from tuning.engine import ORACLES
from tuning.latency import LATENCY_CACHE, UNCALIBRATED_PRECISIONS, EdgeLatency
from tuning.plan import LatencyObjective, SearchPlan
from tuning.space import HYPERPARAMETERS, SearchSpace

DIGITS = {"conv_layers": 1}  # 8 x 8 tokens: with 4 x 4, heads and prefix hardly affect latency
PROXY_DIVISOR = 5  # by default, a trial trains for a fifth of the epochs
RESUMABLE = {
    *("resume", "directory", "workers", "trials_only", "data_dir", "manual_dir"),
    # A file must not choose what is run and written.
    *("join", "latency_command", "latency_cache", "storage"),
}


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """Returns the parser of the search."""
    parser = script_parser(description, usage="%(prog)s [options]")
    add = parser.add_argument
    started = Path(time.strftime("runs/search-%Y%m%d-%H%M%S"))
    add("--directory", type=Path, default=started, help="new or empty (runs/search-TIME)")
    add("--resume", type=Path, metavar="DIRECTORY", help="resume this search with its saved plan")
    add("--join", action="store_true", help="with --resume and Optuna: work for that search only")
    add("--workers", type=int, default=1, help="processes on this machine that run trials (1)")
    add("--trials-only", action="store_true", help="no report and no full training at the end")
    texts = help_texts(SearchPlan)
    group = parser.add_argument_group("search")
    group.add_argument("--engine", choices=ORACLES, default=SearchPlan.engine, help=texts["engine"])
    oracles = sorted({oracle for each in ORACLES.values() for oracle in each})
    group.add_argument("--oracle", choices=oracles, help=texts["oracle"])
    group.add_argument("--storage", metavar="URL", help=texts["storage"])
    for name in ("trials", "final"):
        default = getattr(SearchPlan, name)
        group.add_argument(flag(name), type=int, default=default, help=f"{texts[name]} ({default})")
    group.add_argument("--proxy-epochs", type=int, help=f"{texts['proxy_epochs']} (a fifth)")
    group.add_argument("--proxy-samples", type=int, help=texts["proxy_samples"])
    _add_objective(parser.add_argument_group("objective"))
    _add_latency(parser.add_argument_group("latency"))
    _add_space(parser.add_argument_group("space: the choices of each hyperparameter"))
    add_recipe_arguments(parser)
    return parser


def check_resumed(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Raises ValueError if --resume is given together with flags of the plan."""
    given = {name for name, value in vars(options).items() if value != parser.get_default(name)}
    if odd := given - RESUMABLE:
        raise ValueError(
            "`--resume` uses the saved plan; flags of the plan are not allowed. "
            f"Received: --resume with {', '.join(flag(name) for name in sorted(odd))}"
        )


def check_joined(options: argparse.Namespace, plan: SearchPlan | None) -> None:
    """Raises ValueError if --join is given without the search of another process to join."""
    if not options.join:
        return
    if plan is None or plan.engine != "optuna" or options.workers > 1:
        raise ValueError(
            "`--join` needs the directory of a search that another process runs, `--resume`, with "
            "the engine optuna, and is one worker. "
            f"Received: --resume {options.resume}, engine={plan and plan.engine!r}, "
            f"workers={options.workers}"
        )


def plan_fields(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the fields of a `SearchPlan` that the command line describes.

    All fields are there except `data_fields`, which depend on the data.
    """
    given = {name: value for name, value in vars(options).items() if name not in HYPERPARAMETERS}
    recipe = recipe_from(given)
    if recipe.dataset == "digits":
        recipe = dataclasses.replace(recipe, changes=DIGITS | recipe.changes)
    choices = {name: getattr(options, name) for name in HYPERPARAMETERS}
    proxy_epochs = options.proxy_epochs
    if proxy_epochs is None:
        proxy_epochs = max(1, recipe.epochs // PROXY_DIVISOR)
    return {
        "recipe": recipe,
        "space": SearchSpace(**{name: each for name, each in choices.items() if each is not None}),
        "objective": LatencyObjective(
            target_ms=options.target_ms, weight=options.weight, budget_ms=options.budget_ms
        ),
        "latency": EdgeLatency(
            cache=str(options.latency_cache.absolute()),
            precision=options.latency_precision,
            threads=options.latency_threads,
            runs=options.latency_runs,
            command=options.latency_command,
        ),
        "proxy_epochs": proxy_epochs,
        "proxy_samples": options.proxy_samples,
        "engine": options.engine,
        "oracle": options.oracle,
        "storage": options.storage,
        "study": options.storage and f"{options.directory.name}-{secrets.token_hex(4)}",
        "trials": options.trials,
        "final": options.final,
        "seed": recipe.seed,
    }


def _add_objective(group: argparse._ArgumentGroup) -> None:
    texts = help_texts(LatencyObjective)
    group.add_argument("--budget-ms", type=float, help=texts["budget_ms"])
    group.add_argument(
        "--target-ms",
        type=float,
        help=f"{texts['target_ms']} (that of the recipe's own model; none with a budget)",
    )
    group.add_argument(
        "--weight", type=float, default=LatencyObjective.weight, help=texts["weight"]
    )


def _add_latency(group: argparse._ArgumentGroup) -> None:
    texts = help_texts(EdgeLatency)
    options = {
        "precision": {"default": EdgeLatency.precision, "choices": UNCALIBRATED_PRECISIONS},
        "threads": {"default": EdgeLatency.threads, "type": int},
        "runs": {"default": EdgeLatency.runs, "type": int},
        "command": {},
        "cache": {"default": LATENCY_CACHE, "type": Path},
    }
    for name, keywords in options.items():
        group.add_argument(f"--latency-{name}", help=texts[name], **keywords)


def _add_space(group: argparse._ArgumentGroup) -> None:
    texts = help_texts(SearchSpace)
    for name, hint in typing.get_type_hints(SearchSpace).items():
        kind = typing.get_args(hint)[0]
        default = " ".join(map(str, getattr(SearchSpace, name)))
        group.add_argument(
            flag(name),
            type=kind,
            nargs="+",
            metavar=kind.__name__.upper(),
            help=f"{texts[name]} ({default})",
        )
