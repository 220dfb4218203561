"""SearchTuner: runs the trials of a search, each in its own folder."""

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from cctzoo import training
from cctzoo.formats.lock import DirectoryInUse
from cctzoo.models import CCTConfig, TextConfig
from cctzoo.training import Recipe, Run
from cctzoo.typing import PathLike
from tuning.keras_tuner_internals import ResumableTuner, Trial, hyperband_round
from tuning.plan import SearchPlan
from tuning.records import Record, write_log

ERRORS = (OSError, RuntimeError, keras_tuner.errors.FatalError)  # they end a search
MACHINE_ERRORS = (OSError, ImportError, DirectoryInUse)  # no fault of the trial's model
MOST_STARTS = 3  # of a trial whose process was killed each time, perhaps because of its size


class SearchTuner(ResumableTuner):
    """Runs the trials of a search.

    A trial exports its model and times it. If the latency is within the budget, the trial then
    trains the model with the proxy recipe. An error that is caused by a model fails its trial; an
    error of the machine (a full disk, a missing package) ends the search, which can be resumed.

    Args:
        plan: the plan of the search.
        directory: the directory of the search. `trials/` in it has a folder for each trial, with
            `record.json`, `train.log` and the `run/` of its training.
    """

    def __init__(self, plan: SearchPlan, directory: PathLike):
        self.plan = plan
        oracle = plan.make_oracle()
        oracle.verbose = 0  # the log has a line for each trial
        super().__init__(oracle, directory=str(directory), project_name="trials")

    def on_search_begin(self) -> None:
        self.save()

    def run_trial(self, trial: Trial) -> dict[str, float]:
        """Runs one trial; returns its figures for the oracle.

        Raises:
            FailedTrialError: if the model cannot be timed or trained.
            FatalError: if the machine has a fault.
        """
        try:
            record = self._record(trial.trial_id, dict(trial.hyperparameters.values))
        except MACHINE_ERRORS as error:
            raise keras_tuner.errors.FatalError(f"trial {trial.trial_id}: {error}") from error
        finally:
            keras.utils.clear_session()  # releases the models of the trial
        if record.status == "failed":
            raise keras_tuner.errors.FailedTrialError(record.reason)
        return record.metrics

    def _record(self, trial: str, values: dict[str, Any]) -> Record:
        """Returns the record of a trial; a trial that is finished is not run again."""
        folder = Path(self.get_trial_dir(trial))
        config = self.plan.config(values)
        before = Record.load(folder)
        starts = 0
        if before is not None and before.values == values:
            if before.status in ("trained", "over budget"):
                return before  # its process was killed before the oracle had the result
            starts = before.starts
        record = Record(trial, values, starts=starts + 1, worker=self.tuner_id)
        record.save(folder)
        start = time.perf_counter()
        try:
            if starts == MOST_STARTS:
                raise RuntimeError(f"its process was killed {MOST_STARTS} times")
            self._measure_and_train(record, config, folder)
        except MACHINE_ERRORS:
            raise
        except Exception as error:  # any other error is caused by the model
            record.status = "failed"
            record.reason = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        record.seconds = time.perf_counter() - start
        record.save(folder)
        write_log(self.directory, record)
        return record

    def _measure_and_train(
        self, record: Record, config: CCTConfig | TextConfig, folder: Path
    ) -> None:
        objective = self.plan.objective
        measured = self.plan.latency.measure(config)
        record.latency_ms, record.ratio = measured["latency_ms"], measured["ratio"]
        if not objective.within_budget(record.latency_ms):
            record.status = "over budget"
            record.reason = f"{record.latency_ms:.3f} ms, the budget is {objective.budget_ms:g} ms"
            record.score = objective.score(None, record.latency_ms)
            return
        recipe = self._recipe(record.values)
        run_directory = folder / "run"
        with (folder / "train.log").open("a") as file, contextlib.redirect_stdout(file):
            run = train_or_resume(recipe, run_directory)
        record.parameters = run.model.count_params()
        record.accuracy = run.figures["last_validation_accuracy"]
        record.epochs = recipe.epochs
        record.score = objective.score(record.accuracy, record.latency_ms)
        record.status = "trained"
        for name in ("checkpoint.npz", "best.keras"):  # three times the size of model.keras
            (run_directory / name).unlink(missing_ok=True)

    def _recipe(self, values: dict[str, Any]) -> Recipe:
        """Returns the recipe of a trial. Later rounds of Hyperband train an earlier model."""
        recipe = self.plan.proxy(self.plan.full_recipe(values))
        hyperband = hyperband_round(values)
        if hyperband is None:
            return recipe
        epochs = hyperband.epochs - hyperband.initial_epoch
        start_from = None
        if hyperband.trial:
            start_from = str(Path(self.get_trial_dir(hyperband.trial), "run", "model.keras"))
        return dataclasses.replace(
            recipe,
            epochs=epochs,
            warmup_epochs=min(recipe.warmup_epochs, epochs - 1),
            start_from=start_from,
        )


def train_or_resume(recipe: Recipe, directory: Path) -> Run:
    """Resumes the run in a directory with the recipe's data folders, or trains a new run."""
    if training.is_run(directory):
        return training.resume(directory, data_dir=recipe.data_dir, manual_dir=recipe.manual_dir)
    return training.train(recipe, directory)
