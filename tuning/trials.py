"""Runs the trials of a search, each in its own folder."""

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Any

import keras

from cctzoo import training
from cctzoo.formats.lock import DirectoryInUse
from cctzoo.models import CCTConfig, TextConfig
from cctzoo.training import Recipe, Run
from cctzoo.typing import PathLike
from tuning.engine import Proposal, make_engine
from tuning.keras_tuner_internals import hyperband_round
from tuning.plan import SearchPlan
from tuning.records import Record, trial_folder, write_log

ERRORS = (OSError, RuntimeError)  # they end a search
MACHINE_ERRORS = (OSError, ImportError, DirectoryInUse)  # no fault of the trial's model
MOST_STARTS = 3  # of a trial whose process was killed each time, perhaps because of its size


def run_trials(plan: SearchPlan, directory: PathLike) -> None:
    """Runs trials until the search is finished; a search that was interrupted is continued.

    A trial exports its model and times it. If the latency is within the budget, the trial then
    trains the model with the proxy recipe. An error that is caused by a model fails its trial; an
    error of the machine (a full disk, a missing package) ends the search, which can be resumed.

    Args:
        plan: the plan of the search.
        directory: the directory of the search. `trials/` in it has a folder for each trial, with
            `record.json`, `train.log` and the `run/` of its training.

    Raises:
        RuntimeError: if the machine has a fault, or five trials in a row have failed.
        ValueError: if a file of the search is broken.
    """
    with contextlib.closing(make_engine(plan, directory)) as engine:
        while (proposal := engine.ask()) is not None:
            try:
                record = run_trial(plan, directory, proposal, engine.worker)
            except MACHINE_ERRORS as error:
                raise RuntimeError(f"trial {proposal.trial}: {error}") from error
            finally:
                keras.utils.clear_session()  # releases the models of the trial
            engine.tell(record)


def run_trial(
    plan: SearchPlan, directory: PathLike, proposal: Proposal, worker: str = ""
) -> Record:
    """Runs one trial and returns its record; a trial that is finished is not run again.

    Args:
        plan: the plan of the search.
        directory: the directory of the search.
        proposal: the trial.
        worker: the name of this process, for the record.

    Raises:
        OSError, ImportError, DirectoryInUse: if the machine has a fault.
    """
    folder = trial_folder(directory, proposal.trial)
    config = plan.config(proposal.values)
    before = Record.load(folder)
    starts = 0
    if before is not None and before.values == proposal.values:
        if before.status in ("trained", "over budget"):
            return before  # its process was killed before the engine had the result
        starts = before.starts
    record = Record(proposal.trial, proposal.values, starts=starts + 1, worker=worker)
    folder.mkdir(parents=True, exist_ok=True)
    record.save(folder)
    start = time.perf_counter()
    try:
        if starts == MOST_STARTS:
            raise RuntimeError(f"its process was killed {MOST_STARTS} times")
        _measure_and_train(plan, directory, record, config)
    except MACHINE_ERRORS:
        raise
    except Exception as error:  # any other error is caused by the model
        record.status = "failed"
        record.reason = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    record.seconds = time.perf_counter() - start
    record.save(folder)
    write_log(directory, record)
    return record


def train_or_resume(recipe: Recipe, directory: Path) -> Run:
    """Resumes the run in a directory with the recipe's data folders, or trains a new run."""
    if training.is_run(directory):
        return training.resume(directory, data_dir=recipe.data_dir, manual_dir=recipe.manual_dir)
    return training.train(recipe, directory)


def _measure_and_train(
    plan: SearchPlan, directory: PathLike, record: Record, config: CCTConfig | TextConfig
) -> None:
    objective = plan.objective
    measured = plan.latency.measure(config)
    record.latency_ms, record.ratio = measured["latency_ms"], measured["ratio"]
    if not objective.within_budget(record.latency_ms):
        record.status = "over budget"
        record.reason = f"{record.latency_ms:.3f} ms, the budget is {objective.budget_ms:g} ms"
        record.score = objective.score(None, record.latency_ms)
        return
    recipe = _recipe(plan, directory, record.values)
    folder = trial_folder(directory, record.trial)
    with (folder / "train.log").open("a") as file, contextlib.redirect_stdout(file):
        run = train_or_resume(recipe, folder / "run")
    record.parameters = run.model.count_params()
    record.accuracy = run.figures["last_validation_accuracy"]
    record.epochs = recipe.epochs
    record.score = objective.score(record.accuracy, record.latency_ms)
    record.status = "trained"
    for name in ("checkpoint.npz", "best.keras"):  # three times the size of model.keras
        (folder / "run" / name).unlink(missing_ok=True)


def _recipe(plan: SearchPlan, directory: PathLike, values: dict[str, Any]) -> Recipe:
    """Returns the recipe of a trial. Later rounds of Hyperband train an earlier model."""
    recipe = plan.proxy(plan.full_recipe(values))
    hyperband = hyperband_round(values)
    if hyperband is None:
        return recipe
    epochs = hyperband.epochs - hyperband.initial_epoch
    start_from = None
    if hyperband.trial:
        start_from = str(trial_folder(directory, hyperband.trial) / "run" / "model.keras")
    return dataclasses.replace(
        recipe,
        epochs=epochs,
        warmup_epochs=min(recipe.warmup_epochs, epochs - 1),
        start_from=start_from,
    )
