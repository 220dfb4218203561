"""The line between a search and the engine that proposes its trials: ask and tell."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cctzoo.typing import PathLike
from tuning.records import Record

if TYPE_CHECKING:
    from tuning.plan import SearchPlan

# The ways to propose trials that each engine has; the first is the default.
ORACLES = {
    "keras_tuner": ("pareto", "random", "bayesian", "hyperband"),
    "optuna": ("tpe", "nsga2", "random"),
}
MOST_FAILURES = 5  # failed trials in a row that end a search


@dataclasses.dataclass(frozen=True)
class Proposal:
    """A trial to run.

    Args:
        trial: id of the trial, its number as text.
        values: values of the hyperparameters; with Hyperband also its round.
    """

    trial: str
    values: dict[str, Any]


class Engine(Protocol):
    """Proposes trials and learns from their records.

    A process asks for a trial, runs it, and tells its record, one trial after the other. Several
    processes may do so at the same time. A proposal whose record was never told is proposed again.
    """

    worker: str
    """The name of this process in records."""

    def ask(self) -> Proposal | None:
        """Returns the next trial; `None` if the search is finished.

        Waits while other processes run the last trials: one of them may be proposed again.

        Raises:
            RuntimeError: if `MOST_FAILURES` trials in a row have failed.
        """

    def tell(self, record: Record) -> None:
        """Takes the record of the trial that was asked for last.

        Raises:
            RuntimeError: as `ask`.
        """

    def close(self) -> None:
        """Gives up the trial that was asked for last, if its record was not told."""


def make_engine(plan: "SearchPlan", directory: PathLike) -> Engine:
    """Makes the engine of a plan, and continues the search in the directory if there is one.

    Raises:
        ValueError: if a file of the search is broken.
    """
    # Each engine imports its package when it is used.
    if plan.engine == "optuna":
        from tuning.optuna_engine import OptunaEngine

        return OptunaEngine(plan, Path(directory))
    from tuning.keras_tuner_engine import KerasTunerEngine

    return KerasTunerEngine(plan, Path(directory))
