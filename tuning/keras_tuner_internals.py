"""All names of KerasTuner that its documentation does not mention; written for 1.4.8.

`test_private_names_of_keras_tuner` lists them, and fails with the name that an upgrade changed.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.hyperparameters import Int
from keras_tuner.engine.trial import Trial, TrialStatus

from cctzoo.formats.atomic import write_text
from cctzoo.formats.reading import read_json, reading
from tuning.trial_files import ORACLE, SETTINGS, check_trial_files

__all__ = [
    "BaseTuner",
    "HyperbandRound",
    "Int",
    "ResumableOracle",
    "ResumableTuner",
    "Trial",
    "TrialStatus",
    "hyperband_round",
]

REDRAWS = 1000  # before a space counts as exhausted; KerasTuner's 20 give up small spaces early


class ResumableOracle:
    """Mixin for an oracle that can resume after a kill and on a full disk.

    Every file is written atomically, and a trial that was running when the process was killed is
    the first one after the restart. Subclasses override `is_duplicate`.
    """

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._max_collisions = REDRAWS

    def is_duplicate(self, values: dict[str, Any]) -> bool:
        """Whether a trial with these values must not be proposed."""
        return super()._duplicate(values)

    def random_values(self) -> dict[str, Any] | None:
        """Draws values that are no duplicate; `None` if the space is exhausted."""
        return self._random_values()

    def _duplicate(self, values):
        return self.is_duplicate(values)

    def save(self):
        write_text(self._get_oracle_fname(), json.dumps(self.get_state()))

    def _save_trial(self, trial):
        path = Path(self._get_trial_dir(trial.trial_id), "trial.json")
        write_text(path, json.dumps(trial.get_state()))

    def reload(self):
        # `_current_bracket` starts with the last bracket.
        last_bracket = getattr(self, "_current_bracket", None)
        settings = {name: getattr(self, name) for name in SETTINGS if hasattr(self, name)}
        path = Path(self._get_oracle_fname())
        check_trial_files(path, self.hyperparameters, settings, last_bracket)
        with reading(path, ORACLE):
            super().reload()
        # A kill between the two files of a proposal leaves a trial that oracle.json does not know.
        known = {*self.end_order, *self._retry_queue}
        self._retry_queue += [trial_id for trial_id in self.trials if trial_id not in known]


class ResumableTuner(BaseTuner):
    """A tuner whose own file is written atomically."""

    def reload(self):
        read_json(self._get_tuner_fname(), "the file of a tuner of this search")
        super().reload()

    def save(self):
        if not self._is_worker():
            self.oracle.save()
        write_text(self._get_tuner_fname(), json.dumps(self.get_state()))


class HyperbandRound(NamedTuple):
    """The training that Hyperband asks for, next to the values of the hyperparameters.

    Attributes:
        epochs: last epoch of the training, counted from the model's first training.
        initial_epoch: epochs that the model was trained for before.
        trial: id of the earlier trial whose model is trained further; `None` for a new model.
    """

    epochs: int
    initial_epoch: int
    trial: str | None


def hyperband_round(values: dict[str, Any]) -> HyperbandRound | None:
    """Returns the Hyperband round in the values of a trial; `None` for other oracles."""
    if "tuner/epochs" not in values:
        return None
    return HyperbandRound(
        values["tuner/epochs"], values["tuner/initial_epoch"], values.get("tuner/trial_id")
    )
