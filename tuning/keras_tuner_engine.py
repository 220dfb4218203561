"""KerasTunerEngine: KerasTuner's oracles, and its chief for several workers."""

import os
import time
from pathlib import Path

from tuning.engine import Proposal
from tuning.keras_tuner_internals import ResumableTuner, Trial, TrialStatus
from tuning.oracles import make_oracle
from tuning.plan import SearchPlan
from tuning.records import TRIALS, Record

CHIEF = "chief"
POLL_SECONDS = 0.5


class KerasTunerEngine:
    """Asks an oracle of KerasTuner, which is in this process or in the chief.

    KerasTuner's environment variables (`KERASTUNER_TUNER_ID` and others) make this process a
    worker, or the chief, which runs no trials.

    Args:
        plan: the plan of the search.
        directory: the directory of the search.
    """

    def __init__(self, plan: SearchPlan, directory: Path):
        oracle = make_oracle(
            plan.oracle, plan.space, plan.base, plan.trials, plan.proxy_epochs, plan.seed
        )
        oracle.verbose = 0  # the log has a line for each trial
        self._tuner = ResumableTuner(oracle, directory=str(directory), project_name=TRIALS)
        self._trial: Trial | None = None
        self.worker = self._tuner.tuner_id
        if role() != CHIEF:
            self._tuner.save()

    def ask(self) -> Proposal | None:
        """Returns the next trial, see `Engine`; the chief serves its workers and has none."""
        if role() == CHIEF:
            self._tuner.search()  # serves until the last trial has ended
            return None
        while True:
            trial = self._tuner.oracle.create_trial(self.worker)
            if trial.status == TrialStatus.STOPPED:
                return None
            if trial.status != TrialStatus.IDLE:
                break
            time.sleep(POLL_SECONDS)  # Hyperband waits for the end of a round
        self._trial = trial
        return Proposal(trial.trial_id, dict(trial.hyperparameters.values))

    def tell(self, record: Record) -> None:
        """Takes the record of the trial, see `Engine`."""
        trial = self._trial
        if record.status == "failed":
            trial.status = TrialStatus.FAILED
            trial.message = record.reason
        else:
            self._tuner.oracle.update_trial(trial.trial_id, record.metrics)
            trial.status = TrialStatus.COMPLETED
        self._tuner.on_trial_end(trial)
        self._trial = None

    def close(self) -> None:
        """Does nothing: after a restart, the oracle proposes its running trials again."""


def role() -> str | None:
    """Returns the name of this process in a search by several; `None` in one process."""
    return os.environ.get("KERASTUNER_TUNER_ID") if "KERASTUNER_ORACLE_IP" in os.environ else None
