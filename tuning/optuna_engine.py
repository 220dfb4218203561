"""OptunaEngine: Optuna's samplers, and its storages for several workers."""

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from cctzoo.formats.lock import HIDDEN, waiting
from cctzoo.messages import shown
from tuning.engine import MOST_FAILURES, Proposal
from tuning.optuna_sampler import distributions, make_sampler
from tuning.optuna_storage import REASON, RECORD, TrialQueue, experimental
from tuning.plan import SearchPlan
from tuning.records import WORKER, Record
from tuning.space import HYPERPARAMETERS, point_config

ASKING = f"{HIDDEN}asking"  # lock: one worker at a time chooses a trial
BUDGET = "latency over budget"  # constraint: at most 0
POLL_SECONDS = 0.5


class OptunaEngine:
    """Asks one of Optuna's samplers, which knows the trials of all processes by its storage.

    A study has two objectives, accuracy and latency in ms. The latency budget is a constraint. A
    model over the budget was not trained: its accuracy is 0.

    Args:
        plan: the plan of the search.
        directory: the directory of the search.

    Raises:
        ValueError: if the journal is broken.
    """

    def __init__(self, plan: SearchPlan, directory: Path):
        self.worker = os.environ.get(WORKER) or f"{socket.gethostname()}-{os.getpid()}"
        self._plan = plan
        self._asking = directory / ASKING
        self._queue = TrialQueue(directory, plan.storage, plan.study)
        self._choices = {name: getattr(plan.space, name) for name in HYPERPARAMETERS}
        self._most = min(plan.trials, plan.space.count_models(plan.base))
        self._trial: Trial | None = None
        self._alive = contextlib.ExitStack()

    def ask(self) -> Proposal | None:
        """Returns the next trial, see `Engine`."""
        while True:
            with waiting(self._asking) as locked:
                if locked:
                    self._queue.return_lost_trials()
                trials = self._queue.trials()
                self._check_failures(trials)
                states = {trial.state for trial in trials.values()}
                if TrialState.WAITING in states or len(trials) < self._most:
                    return self._next(trials)
            if TrialState.RUNNING not in states:
                return None
            time.sleep(POLL_SECONDS)

    def tell(self, record: Record) -> None:
        """Takes the record of the trial, see `Engine`."""
        # A trial whose heartbeats were late has ended already; its copy finds the record.
        with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):
            self._tell(record)
        self.close()
        self._check_failures(self._queue.trials())

    def close(self) -> None:
        """Gives up the trial, so that it is proposed again unless its record was told."""
        self._alive.close()
        self._trial = None

    def _next(self, trials: dict[str, FrozenTrial]) -> Proposal:
        """Takes a trial from the queue, or proposes a new one."""
        plan, study = self._plan, self._queue.study
        with self._queue.reading():
            for trial in trials.values():
                self._check_values(trial.params)
        # As it depends on the trials alone, a search that was interrupted proposes the same.
        seed = [plan.seed, len(trials)]
        tried = {point_config(trial.params, plan.base) for trial in trials.values()}

        def is_new(values):
            try:
                return point_config(values, plan.base) not in tried
            except ValueError:
                return False  # the point has no model

        first = max(3, plan.trials // 6)
        study.sampler = make_sampler(plan.oracle, first, self._choices, is_new, seed)
        with experimental():
            trial = study.ask(distributions(self._choices))
        record = trial.user_attrs.get(RECORD)
        if record is None:
            record = str(len(trials)).zfill(len(str(plan.trials)))
            trial.set_user_attr(RECORD, record)
        self._alive.enter_context(self._queue.alive(trial))
        self._trial = trial
        return Proposal(record, dict(trial.params))

    def _check_values(self, values):
        for name, choices in self._choices.items():
            if values[name] not in choices:
                raise ValueError(f"{name!r} must be one of {choices}, not {shown(values[name])}")

    def _tell(self, record):
        trial, budget, study = self._trial, self._plan.objective.budget_ms, self._queue.study
        if record.status == "failed":
            trial.set_user_attr(REASON, record.reason)
            study.tell(trial, state=TrialState.FAIL)
            return
        if budget is not None and BUDGET not in trial.constraints:
            trial.set_constraint(BUDGET, record.latency_ms / budget - 1)
        values = [record.accuracy or 0.0, record.latency_ms]
        study.tell(trial, values, skip_if_finished=True)

    def _check_failures(self, trials: dict[str, Any]) -> None:
        """Raises RuntimeError if too many trials in a row have failed."""
        ended = [trial for trial in trials.values() if trial.state.is_finished()]
        last = sorted(ended, key=lambda trial: trial.datetime_complete)[-MOST_FAILURES:]
        reasons = [trial.user_attrs.get(REASON) for trial in last]
        if len(reasons) == MOST_FAILURES and all(reasons):
            raise RuntimeError(
                f"{MOST_FAILURES} consecutive failures end a search; the last one: {reasons[-1]}"
            )
