"""What is known of each trial: one JSON file beside KerasTuner's, and a log to read."""

import dataclasses
import json
import os
import time
from pathlib import Path

from cctzoo.formats.atomic import write_json


@dataclasses.dataclass
class Record:
    """One trial.

    Attributes:
        trial: its number, as text.
        values: of the hyperparameters.
        changes: fields of the config in which its model differs from the search's base.
        status: `"running"`, `"trained"`, `"over budget"` or `"failed"`.
        reason: why it was not trained, in one line.
        latency_ms, ratio: of one image, and relative to the anchor, see `EdgeLatency`.
        accuracy: on the validation images after the last epoch.
        score: see `LatencyObjective`.
        parameters: of the model.
        epochs: of the training.
        seconds: that the trial took.
        starts: how often it was begun; more than once after kills.
        worker: which ran it last.
    """

    trial: str
    values: dict
    changes: dict
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

    def save(self, folder):
        """Writes the record into the trial's folder."""
        write_json(Path(folder, "record.json"), dataclasses.asdict(self))

    @classmethod
    def load(cls, folder):
        """The record of a trial's folder, or `None`."""
        path = Path(folder, "record.json")
        return cls(**json.loads(path.read_text())) if path.exists() else None

    @property
    def measured(self):
        """The figures for KerasTuner."""
        names = ("score", "accuracy", "latency_ms")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def __str__(self):
        parts = [f"trial {self.trial}", describe(self.values)]
        if self.latency_ms is not None:
            parts.append(f"{self.latency_ms:.3f} ms ({self.ratio:.3f} of the anchor)")
        if self.accuracy is not None:
            parts.append(f"accuracy {self.accuracy:.2%}, score {self.score:.4f}")
        parts.append(f"{self.status}: {self.reason}" if self.reason else self.status)
        return " | ".join([*parts, f"{self.seconds:.0f} s"])


def describe(values):
    """A point of the space in a few words, without what has no say in it."""
    parts = [f"depth {values['depth']}", f"width {values['embed_dim']}"]
    blocks = values["depth"] - values["conv_prefix"]
    profile = values["head_profile"] if blocks > 1 else "even"
    heads = f"{values['heads']} heads" + f" {profile}" * (profile != "even")
    parts.append(heads + f" of {values['head_dim']}" * bool(values["head_dim"]))
    if values["conv_prefix"]:
        parts.append("prefix {conv_prefix} {prefix_kind} {prefix_pool}".format(**values))
    if values.get("tuner/epochs"):
        parts.append(f"{values['tuner/epochs']} epochs")
    return ", ".join(parts)


def read_records(directory):
    """All records of a search, in the order of their numbers."""
    folders = sorted(Path(directory, "trials").glob("trial_*"))
    return [record for folder in folders if (record := Record.load(folder))]


def log(directory, line):
    """Adds a line to `search.log` and prints it."""
    worker = os.environ.get("KERASTUNER_TUNER_ID", "")
    line = " ".join(filter(None, [time.strftime("%Y-%m-%d %H:%M:%S"), worker, str(line)]))
    with Path(directory, "search.log").open("a") as file:
        file.write(line + "\n")
    print(line, flush=True)
