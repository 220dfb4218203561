"""The command line of the search."""

import argparse
import dataclasses
import time
import typing
from pathlib import Path

from cctzoo import training
from cctzoo.cli import (
    add_recipe_arguments,
    flag,
    recipe_from,
)
from cctzoo.data.batches import check_batch_size
from cctzoo.settings import help_texts
from cctzoo.training.build import config_from_data
from tuning.latency import UNCALIBRATED_PRECISIONS, EdgeLatency
from tuning.objective import LatencyObjective
from tuning.oracles import ORACLES
from tuning.plan import Search
from tuning.records import log
from tuning.space import HYPERPARAMETERS, SearchSpace

DIGITS = {"conv_layers": 1}  # 8 x 8 tokens: with 4 x 4, heads and prefix cost nothing
PROXY_PART = 5  # a trial trains for a fifth of the epochs


def make_parser(description):
    """The parser of `search.py`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    started = Path(time.strftime("runs/search-%Y%m%d-%H%M%S"))
    add("--directory", type=Path, default=started, help="new or empty (default: runs/search-TIME)")
    add("--resume", type=Path, metavar="DIRECTORY", help="go on with this search, as it was begun")
    add("--workers", type=int, default=1, help="processes on this machine that run trials (1)")
    add("--trials-only", action="store_true", help="no report and no full training at the end")
    texts = help_texts(Search)
    group = parser.add_argument_group("search")
    group.add_argument("--oracle", choices=ORACLES, default="pareto")
    for name in ("trials", "final"):
        default = getattr(Search, name)
        group.add_argument(flag(name), type=int, default=default, help=f"{texts[name]} ({default})")
    group.add_argument("--proxy-epochs", type=int, help=f"{texts['proxy_epochs']} (a fifth)")
    group.add_argument("--proxy-images", type=int, help=texts["proxy_images"])
    _add_objective(parser.add_argument_group("objective"))
    _add_latency(parser.add_argument_group("latency"))
    group = parser.add_argument_group("space: the choices of each hyperparameter")
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
    add_recipe_arguments(parser)
    return parser


def check_resumed(parser, options):
    """Raises ValueError if arguments come with --resume that the search has already."""
    running = {"resume", "workers", "trials_only", "data_dir", "manual_dir", "directory"}
    given = {name for name, value in vars(options).items() if value != parser.get_default(name)}
    if odd := given - running:
        raise ValueError(
            "A search that goes on has its arguments. "
            f"Received: --resume with {', '.join(flag(name) for name in sorted(odd))}"
        )


def new_search(options, directory):
    """A `Search` as the command line has it, checked, and saved in its directory.

    Before it is saved the base model is exported and timed: what is wrong with the latency
    shows at once, and a target that is not given is this model's latency.
    """
    training.check_directory(directory)
    plan = _plan(options)
    recipe, objective = plan["recipe"], plan["objective"]
    dataset = recipe.load_data()
    given = config_from_data(recipe.config(), dataset)
    search = Search(**plan, given=given | ({"vocabulary": None} if "vocabulary" in given else {}))
    proxy = search.proxy.load_data()
    check_batch_size(recipe.batch_size, len(proxy.x_train), recipe.augmentation)
    if not len(proxy.x_validation):
        raise ValueError(
            "A search needs samples for validation. "
            f"Received: validation={recipe.validation} of {len(proxy.x_train)}"
        )
    base = search.latency.measure(search.hypermodel.base)["latency_ms"]
    if objective.target_ms is None and objective.budget_ms is None:
        objective = dataclasses.replace(objective, target_ms=base)
        search = dataclasses.replace(search, objective=objective)
    directory.mkdir(parents=True, exist_ok=True)
    search.save(directory)
    log(
        directory,
        f"{search.hypermodel.models} models in the space, {search.trials} trials by "
        f"{search.oracle}; the base model {recipe.model} takes {base:.3f} ms",
    )
    return search


def _plan(options):
    """The fields of a `Search` but those that the data have."""
    given = {name: value for name, value in vars(options).items() if name not in HYPERPARAMETERS}
    recipe = recipe_from(given)
    if recipe.dataset == "digits":
        recipe = dataclasses.replace(recipe, changes=DIGITS | recipe.changes)
    space = SearchSpace(
        **{name: value for name in HYPERPARAMETERS if (value := getattr(options, name)) is not None}
    )
    objective = LatencyObjective(
        target_ms=options.target_ms, weight=options.weight, budget_ms=options.budget_ms
    )
    edge = EdgeLatency(
        cache=str(options.latency_cache.absolute()),
        precision=options.latency_precision,
        threads=options.latency_threads,
        runs=options.latency_runs,
        command=options.latency_command,
    )
    epochs = options.proxy_epochs
    return {
        "recipe": recipe,
        "space": space,
        "objective": objective,
        "latency": edge,
        "proxy_epochs": max(1, recipe.epochs // PROXY_PART) if epochs is None else epochs,
        "seed": recipe.seed,
        **{name: getattr(options, name) for name in ("oracle", "trials", "final", "proxy_images")},
    }


def _add_objective(group):
    texts = help_texts(LatencyObjective)
    group.add_argument("--budget-ms", type=float, help=texts["budget_ms"])
    group.add_argument(
        "--target-ms",
        type=float,
        help=f"{texts['target_ms']} (the base model's, or none where there is a budget)",
    )
    group.add_argument("--weight", type=float, default=0.07, help=texts["weight"])


def _add_latency(group):
    texts = help_texts(EdgeLatency)
    options = {
        "precision": {"default": EdgeLatency.precision, "choices": UNCALIBRATED_PRECISIONS},
        "threads": {"default": EdgeLatency.threads, "type": int},
        "runs": {"default": EdgeLatency.runs, "type": int},
        "command": {},
        "cache": {"default": Path("runs/latency"), "type": Path},
    }
    for name, keywords in options.items():
        group.add_argument(f"--latency-{name}", help=texts[name], **keywords)
