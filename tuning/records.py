"""The record of each trial in `record.json`, and the log of a search.

The engine keeps files of its own. A record is written by the worker that runs the trial, which may
be another process or machine than the engine's: it counts restarts, and it holds the result of a
trial whose worker was killed before the engine had the result.
"""

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

from cctzoo.formats.atomic import naming, write_json
from cctzoo.formats.fields import (
    COUNT,
    NUMBER,
    OBJECT,
    POSITIVE,
    SHARE,
    TEXT,
    Rule,
    check_fields,
    from_fields,
    optional,
)
from cctzoo.formats.reading import read_json, reading
from cctzoo.typing import PathLike
from tuning.keras_tuner_internals import hyperband_round
from tuning.space import HYPERPARAMETERS
from tuning.trial_files import PREFIX, check_name

TRIALS = "trials"  # the folder of all trials in the directory of a search
WORKER = "CCTZOO_WORKER"  # environment variable: the name of a worker of Optuna on this machine
STATUSES = ("running", "trained", "over budget", "failed")
VALUE = Rule("a text or a count", lambda value: COUNT.holds(value) or TEXT.holds(value))
RULES = {
    "trial": TEXT,
    "values": OBJECT,
    "status": Rule(f"one of {STATUSES}", lambda value: value in STATUSES),
    "reason": optional(TEXT),
    "latency_ms": optional(POSITIVE),
    "ratio": optional(POSITIVE),
    "accuracy": optional(SHARE),
    "score": optional(NUMBER),
    "parameters": optional(COUNT),
    "epochs": COUNT,
    "seconds": NUMBER,
    "starts": COUNT,
    "worker": TEXT,
}
TIMED = {"latency_ms": POSITIVE, "ratio": POSITIVE, "score": NUMBER}
RESULTS = {"trained": TIMED | {"accuracy": SHARE}, "over budget": {"latency_ms": POSITIVE}}


@dataclasses.dataclass
class Record:
    """The values and figures of one trial.

    Args:
        trial: id of the trial, its number as text.
        values: values of the hyperparameters; with Hyperband also its round.
        status: `"running"`, `"trained"`, `"over budget"` or `"failed"`.
        reason: one line that says why the model was not trained.
        latency_ms: latency of one sample in milliseconds, see `EdgeLatency`.
        ratio: latency relative to the anchor model.
        accuracy: accuracy on the validation samples after the last epoch.
        score: see `LatencyObjective`.
        parameters: number of parameters of the model.
        epochs: number of training epochs.
        seconds: duration of the trial.
        starts: number of times that the trial was started; more than one after kills.
        worker: id of the worker that ran the trial last.
    """

    trial: str
    values: dict[str, Any]
    status: str = "running"
    reason: str | None = None
    latency_ms: float | None = None
    ratio: float | None = None
    accuracy: float | None = None
    score: float | None = None
    parameters: int | None = None
    epochs: int = 0
    seconds: float = 0.0
    starts: int = 0
    worker: str = ""

    def save(self, folder: PathLike) -> None:
        """Writes the record to the folder of its trial."""
        write_json(Path(folder, "record.json"), dataclasses.asdict(self))

    @classmethod
    def load(cls, folder: PathLike) -> "Record | None":
        """Reads the record from the folder of a trial; `None` without one.

        Raises:
            ValueError: if the file is broken, or the record of another trial.
        """
        path = Path(folder, "record.json")
        if not path.exists():
            return None
        what = "the record of a trial"
        fields = read_json(path, what)
        with reading(path, what):
            record = from_fields(cls, fields)
            record.check(path.parent)
            return record

    def check(self, folder: Path) -> None:
        """Raises ValueError unless a record from a file is that of the trial in a folder."""
        fields = vars(self)
        check_name(folder, self.trial)  # folders are named for the trial
        check_fields(fields, RULES)
        check_fields(self.values, dict.fromkeys(HYPERPARAMETERS, VALUE))
        if self.status in RESULTS:
            check_fields(fields, RESULTS[self.status])

    @property
    def metrics(self) -> dict[str, float]:
        """The figures that KerasTuner's oracles need."""
        names = ("score", "accuracy", "latency_ms")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def architecture(self) -> str:
        """The model in a few words, without hyperparameters that have no effect."""
        values = self.values
        parts = [f"depth {values['depth']}", f"width {values['embed_dim']}"]
        heads = f"{values['heads']} heads"
        if values["depth"] - values["conv_prefix"] > 1 and values["head_profile"] != "even":
            heads += f" {values['head_profile']}"
        if values["head_dim"]:
            heads += f" of {values['head_dim']}"
        if values["attention"] != "softmax":
            heads += f", {values['attention']} attention"
        parts.append(heads)
        if values["mlp_kind"] != "dense":
            parts.append(f"{values['mlp_kind']} perceptrons")
        if values["conv_prefix"]:
            parts.append("prefix {conv_prefix} {prefix_kind} {prefix_pool}".format(**values))
        if hyperband := hyperband_round(values):
            parts.append(f"{hyperband.epochs} epochs")
        return ", ".join(parts)

    def __str__(self) -> str:
        parts = [f"trial {self.trial}", self.architecture]
        if self.latency_ms is not None:
            parts.append(f"{self.latency_ms:.3f} ms ({self.ratio:.3f} of the anchor)")
        if self.accuracy is not None:
            parts.append(f"accuracy {self.accuracy:.2%}, score {self.score:.4f}")
        parts.append(f"{self.status}: {self.reason}" if self.reason else self.status)
        return " | ".join([*parts, f"{self.seconds:.0f} s"])


def trial_folder(directory: PathLike, trial: str) -> Path:
    """Returns the folder of a trial in the directory of a search."""
    return Path(directory, TRIALS, PREFIX + trial)


def read_records(directory: PathLike) -> list[Record]:
    """Reads all records of a search, in the order of the trials."""
    folders = sorted(Path(directory, TRIALS).glob(f"{PREFIX}*"))
    return [record for folder in folders if (record := Record.load(folder))]


def write_log(directory: PathLike, message: object) -> None:
    """Adds a line to `search.log` and prints it."""
    worker = os.environ.get("KERASTUNER_TUNER_ID") or os.environ.get(WORKER, "")
    line = " ".join(filter(None, [time.strftime("%Y-%m-%d %H:%M:%S"), worker, str(message)]))
    path = Path(directory, "search.log")
    with naming(path), path.open("a") as file:
        file.write(line + "\n")
    print(line, flush=True)
