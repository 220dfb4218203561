"""Latency of an architecture on the device, measured before it is trained."""

import dataclasses
import hashlib
import importlib.metadata
import json
import math
import shlex
import statistics
import subprocess
import tempfile
from pathlib import Path

import keras

from cctzoo import export, latency, models
from cctzoo.export.inputs import randomise_vectors
from cctzoo.formats.atomic import write_json
from cctzoo.machine import machine_name
from cctzoo.settings import setting

# int8 needs samples for its calibration.
UNCALIBRATED_PRECISIONS = ("float32", "float16", "dynamic_int8")
ANCHOR = "cct_2_3x2_32"
COMMAND_RUNS = 3  # of a user's command, which has its own runs within
COMMAND_SECONDS = 600


class LatencyCommandError(RuntimeError):
    """A user's latency command failed, or printed no milliseconds."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EdgeLatency:
    """Times exported models: LiteRT on this machine, or a command of the user's.

    A small model, the anchor, is timed in turn with each. What is noted is the ratio of the
    two; milliseconds are the ratio times the anchor's latency when it was first measured here.
    So a busy hour does not make a model slow. Each architecture is measured once: `cache`
    keeps one file for each, and machine, precision, threads and version.

    Args:
        cache: folder, made where it is missing; several processes may share it.
        precision: of the export, see `export.to_litert`.
        threads: of the runtime.
        runs: of each model, in turn with the anchor.
        command: shell-like words with `{model}` for the path of a .tflite, run without a
            shell. The last word that it prints is taken as milliseconds. `threads` and `runs`
            are then the command's own matter.

    Raises:
        ValueError: for a wrong precision or count, or a command without `{model}`.
    """

    cache: str = dataclasses.field(
        metadata={"help": "folder with one file per measured architecture; processes may share it"}
    )
    precision: str = setting("float32", "precision of the exported model")
    threads: int = setting(1, "threads of the runtime")
    runs: int = setting(200, "timed runs of each model, in turn with the anchor model")
    command: str | None = setting(
        None, "command that prints milliseconds; {model} stands for the path of the .tflite file"
    )

    def __post_init__(self):
        if self.precision not in UNCALIBRATED_PRECISIONS:
            raise ValueError(
                f"`precision` of the latency must be one of {UNCALIBRATED_PRECISIONS}. "
                f"Received: precision={self.precision!r}"
            )
        for name in ("threads", "runs"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. Received: {name}={getattr(self, name)}"
                )
        if self.command is not None and "{model}" not in self.command:
            raise ValueError(
                "A latency command must hold {model}, the path of the file to be timed. "
                f"Received: command={self.command!r}"
            )

    def measure(self, config):
        """Latency of one image.

        Args:
            config: a `CCTConfig` or `TextConfig`.

        Returns:
            A dict with `latency_ms`, `ratio` (to the anchor) and `anchor_ms`.

        Raises:
            ExportError: if the architecture cannot be exported.
            LatencyCommandError: if the command fails.
        """
        entry = self._entry(config)
        if entry.exists():
            return json.loads(entry.read_text())["measured"]
        Path(self.cache).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            candidate = Path(folder, "candidate.tflite")
            self._export(config, candidate, self.precision)
            anchor_ms, ratio = self._time(self._anchor(), candidate)
        reference = self._reference(anchor_ms)
        measured = {
            "latency_ms": ratio * reference,
            "ratio": ratio,
            "anchor_ms": reference,
        }
        write_json(entry, {"measured": measured, "of": self._identity(config)})
        return measured

    def _export(self, config, path, precision):
        model = models.CCT(config)
        randomise_vectors(model)
        try:
            export.to_litert(model, path, precision)
        finally:
            keras.utils.clear_session()

    def _anchor(self):
        """The anchor's file, made when it is first needed."""
        path = Path(self.cache, f"anchor-{_digest(self._identity())}.tflite")
        if not path.exists():
            self._export(models.variant_config(ANCHOR), path, "float32")
        return path

    def _reference(self, anchor_ms):
        """Milliseconds of the anchor at its first measurement on this machine."""
        path = Path(self.cache, f"anchor-{_digest(self._identity())}.json")
        if not path.exists():
            write_json(path, {"anchor_ms": anchor_ms, "of": self._identity()})
        return json.loads(path.read_text())["anchor_ms"]

    def _time(self, anchor, candidate):
        """(milliseconds of the anchor, ratio of the candidate to it)."""
        if self.command is None:
            report = latency.measure(
                {"anchor": anchor, "candidate": candidate}, self.threads, self.runs
            )
            return report.rows[0].median_ms, report.rows[1].ratio
        times = [(self._run(anchor), self._run(candidate)) for _ in range(COMMAND_RUNS)]
        medians = [statistics.median(column) for column in zip(*times, strict=True)]
        return medians[0], medians[1] / medians[0]

    def _run(self, path):
        words = [word.replace("{model}", str(path)) for word in shlex.split(self.command)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LatencyCommandError(f"The latency command did not run: {error}") from error
        if done.returncode:
            raise LatencyCommandError(
                f"The latency command must end with code 0. Received: {done.returncode} from "
                f"{shlex.join(words)}: {done.stderr[-500:].strip()}"
            )
        try:
            milliseconds = float(done.stdout.split()[-1])
        except (IndexError, ValueError):
            milliseconds = math.nan
        if not 0 < milliseconds < math.inf:
            raise LatencyCommandError(
                "The last word that a latency command prints must be a positive number, "
                f"milliseconds. Received: {done.stdout[-200:].strip()!r} from {shlex.join(words)}"
            )
        return milliseconds

    def _entry(self, config):
        return Path(self.cache, f"{_digest(self._identity(config))}.json")

    def _identity(self, config=None):
        """What a measurement depends on; without a config, the anchor's."""
        identity = {
            "anchor": ANCHOR,
            "threads": self.threads,
            "command": self.command,
            "machine": machine_name(),
            "litert": importlib.metadata.version("ai-edge-litert"),
        }
        if config is not None:
            identity |= {"precision": self.precision, "config": dataclasses.asdict(config)}
        return identity


def _digest(identity):
    text = json.dumps(identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
