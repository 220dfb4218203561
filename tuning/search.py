"""Searches for models that are accurate and fast: heads, prefix, depth and width.

Without arguments, it searches models for images of handwritten digits: a few minutes on 2 cores.

    python tuning/search.py
    python tuning/search.py --dataset npz:mine.npz --budget-ms 5 --trials 40 --workers 2
    python tuning/search.py --preset cifar10_200 --heads 4 16 64 --conv-prefix 0 2 3
    python tuning/search.py --latency-command "sh time_on_phone.sh {model}"
    python tuning/search.py --engine optuna --workers 2
    python tuning/search.py --resume runs/MY_SEARCH

Each trial exports its model to LiteRT and times it, then trains it for a few epochs. At the end,
the search prints a table, writes a page (`report.html`), the Pareto front (`front.png`,
`front.json`) and all trials (`report.json`, `search.log`), and trains, exports and times the best
model in full (`final/`).

For a search on several machines, see docs/guides/search.md.
"""

import argparse
import contextlib
import dataclasses
import shlex
import sys
import time
from pathlib import Path
from typing import Any

if not __package__:  # run as a script: sys.path has its folder in place of the checkout
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from cctzoo import cli, training
from cctzoo.child_process import end_with_parent
from cctzoo.data.batches import check_batch_size
from cctzoo.data.names import check_prepared
from cctzoo.delivery import check_delivery, deliver_run, is_delivered
from cctzoo.flags import flag
from cctzoo.formats.lock import locked
from cctzoo.runs import open_run
from cctzoo.training.build import config_from_data
from cctzoo.training.fit import sigterm_like_interrupt
from cctzoo.training.processes import check_alone
from tuning.arguments import check_joined, check_resumed, make_parser, plan_fields
from tuning.keras_tuner_engine import CHIEF, role
from tuning.page import write_page
from tuning.plan import SearchPlan
from tuning.records import Record, read_records, write_log
from tuning.report import best, trained_and_front, write_report
from tuning.trials import ERRORS, run_trials, train_or_resume
from tuning.workers import run_with_workers

CHIEF_SECONDS = 600  # that a worker waits for the search.json of its chief


def main(description: str | None = __doc__) -> None:
    """Runs the command line; an error ends the program with one line."""
    parser = make_parser(description)
    options = parser.parse_args()
    cli.show_notices()
    local_worker = end_with_parent()  # also the chief of `run_with_workers`
    directory = options.resume or options.directory
    with cli.exit_on_error(parser, directory):
        check_alone("A search")
        check_delivery()
        if options.resume:
            check_resumed(parser, options)
        try:
            run(options, directory, local_worker)
        except ERRORS as error:
            hint = ""
            if (directory / "search.json").exists():
                words = ["--resume", str(directory)]
                if options.latency_command:
                    words += ["--latency-command", options.latency_command]
                if options.storage:
                    words += ["--storage", "URL"]  # it may have a password
                hint = f"finished trials are kept; resume with {shlex.join(words)}\n"
            parser.exit(1, f"\n{parser.prog}: {error}\n{hint}")


def run(options: argparse.Namespace, directory: Path, local_worker: bool = False) -> None:
    """Runs the trials, writes the report, and trains the best models in full.

    Args:
        options: the parsed command line.
        directory: the directory of the search. It is locked, except by workers: a search has many.
        local_worker: whether the parent of this process has locked the directory.
    """
    name = role()
    worker = options.join or name not in (None, CHIEF)
    if options.workers < 1:
        raise ValueError(f"`workers` must be at least 1. Received: workers={options.workers}")
    folders = cli.data_folders(options)
    if options.resume:
        wait_for(directory / "search.json", CHIEF_SECONDS if worker else 0)
        plan = SearchPlan.load(
            directory,
            latency_command=options.latency_command,
            latency_cache=options.latency_cache,
            storage=options.storage,
        )
        plan = dataclasses.replace(plan, recipe=dataclasses.replace(plan.recipe, **folders))
        if "data_dir" not in folders:
            check_prepared(plan.recipe.dataset, plan.recipe.data_dir)
    else:
        training.check_directory(directory)
        plan = None
    check_joined(options, plan)
    owner = not worker and not local_worker
    with locked(directory) if owner else contextlib.nullcontext():
        plan = plan or new_plan(options, directory)
        if plan.engine == "optuna" and name:
            raise ValueError(
                "KerasTuner's environment variables are for the engine keras_tuner; workers of "
                f"Optuna use --join. Received: KERASTUNER_TUNER_ID={name}"
            )
        if options.workers > 1 and name is None:
            run_workers(plan, options, directory, folders)
        else:
            run_trials(plan, directory)
        if not options.trials_only and not worker:
            finish(plan, directory)


def run_workers(
    plan: SearchPlan, options: argparse.Namespace, directory: Path, folders: dict[str, Any]
) -> None:
    """Runs the trials in several processes.

    Args:
        plan: the plan of the search.
        options: the parsed command line.
        directory: the directory of the search.
        folders: the data folders that were given.
    """
    flags = folders | {"latency_cache": plan.latency.cache}
    flags |= {
        name: value
        for name, value in (("latency_command", plan.latency.command), ("storage", plan.storage))
        if value is not None
    }
    words = [word for name, value in flags.items() for word in (flag(name), value)]
    with sigterm_like_interrupt():  # so that SIGTERM ends the workers too
        run_with_workers(directory, options.workers, words, chief=plan.engine == "keras_tuner")


def finish(plan: SearchPlan, directory: Path) -> None:
    """Writes the report, and trains the best models in full."""
    write_report(directory)
    write_page(plan, directory)
    _, trained, _ = trained_and_front(directory)
    if not trained:
        raise RuntimeError(nothing_trained(directory))
    finals = [train_fully(plan, record, directory) for record in best(trained, plan.final)]
    if finals:
        write_report(directory, finals)
        write_page(plan, directory, finals)


def new_plan(options: argparse.Namespace, directory: Path) -> SearchPlan:
    """Returns the plan that the command line describes, and saves it in the directory.

    The recipe's own model is exported and timed first, so that a wrong latency command is noticed
    at once. Its latency is the target if neither a target nor a budget is given.

    Raises:
        ValueError: if an argument is wrong. Nothing is written then.
    """
    training.check_directory(directory)
    fields = plan_fields(options)
    recipe, objective = fields["recipe"], fields["objective"]
    data_fields = config_from_data(recipe.config(), recipe.load_data())
    del data_fields["class_names"]  # a latency does not depend on them
    if "vocabulary" in data_fields:
        data_fields["vocabulary"] = None  # each training finds the words of its own texts
    plan = SearchPlan(**fields, data_fields=data_fields)
    if plan.storage is not None:
        from tuning.optuna_storage import open_database  # Optuna is optional

        open_database(plan.storage)
    samples = plan.proxy(recipe).load_data()
    check_batch_size(recipe.batch_size, len(samples.x_train), recipe.augmentation)
    if not len(samples.x_validation):
        raise ValueError(
            "A search needs validation samples. "
            f"Received: validation={recipe.validation} of {len(samples.x_train)}"
        )
    base_ms = plan.latency.measure(plan.base)["latency_ms"]
    if objective.target_ms is None and objective.budget_ms is None:
        objective = dataclasses.replace(objective, target_ms=base_ms)
        plan = dataclasses.replace(plan, objective=objective)
    directory.mkdir(parents=True, exist_ok=True)
    plan.save(directory)
    models = plan.space.count_models(plan.base)
    write_log(
        directory,
        f"{models} models in the space, {plan.trials} trials by {plan.oracle}; "
        f"the recipe's own model {recipe.model} takes {base_ms:.3f} ms",
    )
    return plan


def wait_for(path: Path, seconds: float) -> None:
    """Waits until a file exists, at most so many seconds."""
    end = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < end:
        time.sleep(1)


def nothing_trained(directory: Path) -> str:
    """Returns a message that says why no trial trained its model."""
    records = read_records(directory)
    over = [record for record in records if record.status == "over budget"]
    if over:
        fastest = min(over, key=lambda record: record.latency_ms)
        return (
            f"No model was trained: {len(over)} of {len(records)} were over the budget. The "
            f"fastest was trial {fastest.trial} with {fastest.latency_ms:.3f} ms. Raise "
            "--budget-ms, or add smaller models to the space."
        )
    return f"No model was trained: all {len(records)} trials failed, see search.log."


def train_fully(plan: SearchPlan, record: Record, directory: Path) -> dict[str, Any]:
    """Trains the model of a trial with the full recipe, exports and times it.

    Returns:
        The trial, the test accuracy and the folder of the run.
    """
    folder = directory / "final" / f"trial_{record.trial}"
    if is_delivered(folder):
        run = open_run(folder)
    else:
        write_log(directory, f"full training of trial {record.trial} in {folder}")
        run = train_or_resume(plan.full_recipe(record.values), folder)
        deliver_run(run)
    accuracy = run.figures["test_accuracy"]
    write_log(directory, f"trial {record.trial}, full training: {accuracy:.2%} (test)")
    return {"trial": record.trial, "test_accuracy": accuracy, "folder": str(folder)}


if __name__ == "__main__":
    main()
