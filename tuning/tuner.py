"""The tuner: latency first, then training, each trial in a folder of its own."""

import contextlib
import dataclasses
import json
import shutil
import time
from pathlib import Path

import keras
import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner

from cctzoo import training
from cctzoo.formats.atomic import write_text
from tuning.records import Record, log
from tuning.space import changes

MOST_STARTS = 3  # of a trial whose process was killed each time, perhaps by its size


class SearchTuner(BaseTuner):
    """Runs the trials of a search.

    A trial exports its model and times it; over the budget, that is all. Else it trains the
    model by the search's proxy recipe. What goes wrong with one model fails its trial; what
    goes wrong with the machine (a full disk, a missing package) ends the search, which can
    be gone on with.

    Args:
        search: a `Search`.
        directory: of the search. `trials/` in it has a folder for each trial, with
            `record.json`, `train.log` and the `run/` of its training.
    """

    def __init__(self, search, directory):
        self.plan = search
        oracle = search.make_oracle()
        oracle.verbose = 0  # the log has a line for each trial
        super().__init__(oracle, directory=str(directory), project_name="trials")

    def on_search_begin(self):
        self.save()

    def run_trial(self, trial):
        try:
            record = self._record(trial)
        except (OSError, ImportError) as error:
            raise keras_tuner.errors.FatalError(f"trial {trial.trial_id}: {error}") from error
        if record.status == "failed":
            raise keras_tuner.errors.FailedTrialError(record.reason)
        return record.measured

    def _record(self, trial):
        """The trial's record, from its folder if it was done when its process was killed."""
        folder = Path(self.get_trial_dir(trial.trial_id))
        values = dict(trial.hyperparameters.values)
        config = self.plan.hypermodel.config(values)
        before = Record.load(folder)
        known = before is not None and before.values == values
        if known and before.status in ("trained", "over budget"):
            return before
        starts = before.starts if known else 0
        found = changes(config, self.plan.hypermodel.base)
        record = Record(trial.trial_id, values, found, starts=starts + 1, worker=self.tuner_id)
        record.save(folder)
        start = time.perf_counter()
        try:
            if starts == MOST_STARTS:
                raise RuntimeError(f"its process was killed {MOST_STARTS} times")
            self._measure_and_train(record, config, folder)
        except (OSError, ImportError):
            raise
        except Exception as error:  # of whatever kind: it is this model's, and is written down
            record.status = "failed"
            record.reason = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        record.seconds = time.perf_counter() - start
        record.save(folder)
        log(self.directory, record)
        return record

    def _measure_and_train(self, record, config, folder):
        plan = self.plan
        measured = plan.latency.measure(config)
        record.latency_ms, record.ratio = measured["latency_ms"], measured["ratio"]
        if not plan.objective.within_budget(record.latency_ms):
            record.status = "over budget"
            record.reason = (
                f"{record.latency_ms:.3f} ms where {plan.objective.budget_ms:g} are allowed"
            )
            record.score = plan.objective.score(None, record.latency_ms)
            return
        recipe = self._recipe(record)
        run_directory = folder / "run"
        with (folder / "train.log").open("a") as file, contextlib.redirect_stdout(file):
            run = train_or_resume(recipe, run_directory)
        record.parameters = run.model.count_params()
        record.accuracy = run.figures["last_validation_accuracy"]
        del run
        keras.utils.clear_session()
        record.epochs = recipe.epochs
        record.score = plan.objective.score(record.accuracy, record.latency_ms)
        record.status = "trained"
        for name in ("checkpoint.npz", "best.keras"):  # three times what is kept
            (run_directory / name).unlink(missing_ok=True)

    def _recipe(self, record):
        """The proxy recipe for a trial; in Hyperband's later rounds it trains on."""
        recipe = dataclasses.replace(
            self.plan.proxy, changes=self.plan.proxy.changes | record.changes
        )
        if "tuner/epochs" not in record.values:
            return recipe
        before = record.values.get("tuner/trial_id")
        epochs = record.values["tuner/epochs"] - record.values["tuner/initial_epoch"]
        return dataclasses.replace(
            recipe,
            epochs=epochs,
            warmup_epochs=min(recipe.warmup_epochs, epochs - 1),
            start_from=before and str(Path(self.get_trial_dir(before), "run", "model.keras")),
        )

    def save(self):
        if not self._is_worker():
            self.oracle.save()
        write_text(self._get_tuner_fname(), json.dumps(self.get_state()))


def train_or_resume(recipe, directory):
    """Resumes the run in a directory, or trains a new one; the data folders are the recipe's."""
    if training.is_run(directory):
        folders = {"data_dir": recipe.data_dir, "manual_dir": recipe.manual_dir}
        return training.resume(directory, **folders)
    shutil.rmtree(directory, ignore_errors=True)  # a run that was killed at its start
    return training.train(recipe, directory)
