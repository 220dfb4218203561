"""EdgeLatency: latency of an architecture on the device, measured before it is trained."""

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import statistics
from pathlib import Path
from typing import Any

from cctzoo import export, latency
from cctzoo.export.inputs import randomise_vectors
from cctzoo.formats.atomic import temporary_folder, write_json
from cctzoo.formats.fields import OBJECT, POSITIVE, check_fields
from cctzoo.formats.reading import read_json, reading
from cctzoo.latency_command import check_command, run_command
from cctzoo.machine import machine_name
from cctzoo.messages import received
from cctzoo.models import CCT, CCTConfig, TextConfig, variant_config
from cctzoo.plain_values import check_types, is_one_of, make_plain
from cctzoo.settings import setting

# int8 needs samples for its calibration.
UNCALIBRATED_PRECISIONS = ("float32", "float16", "dynamic_int8")
ANCHOR = "cct_2_3x2_32"
LATENCY_CACHE = Path("runs", "latency")
COMMAND_RUNS = 3  # runs of a user's command; the command itself may time several inferences


@dataclasses.dataclass(frozen=True, kw_only=True)
class EdgeLatency:
    """Times exported models, with LiteRT on this machine or with a user's command.

    Every model is timed alternately with a small model, the anchor. The ratio of the two is
    measured; milliseconds are the ratio times the first latency of the anchor on this machine.
    Other load on the machine therefore does not make a model slower. Each architecture is
    measured once per machine, precision, number of threads and version of LiteRT.

    Args:
        cache: folder with one file per measured architecture; processes may share it. It is
            created if it does not exist.
        precision: precision of the exported model, see `export.to_litert`.
        threads: threads of the runtime.
        runs: timed runs of each model, alternately with the anchor.
        command: a command with `{model}` in place of the path of a `.tflite` file. It is run
            without a shell, and the last word of its output must be milliseconds. `threads` and
            `runs` do not apply to a command.

    Raises:
        ValueError: if `precision` is unknown, `threads` or `runs` is below 1, or the command does
            not contain `{model}`.
    """

    cache: str = dataclasses.field(
        metadata={"help": "folder with one file per measured architecture; processes may share it"}
    )
    precision: str = setting("float32", "precision of the exported model")
    threads: int = setting(1, "threads of the runtime")
    runs: int = setting(200, "timed runs of each model, alternately with the anchor model")
    command: str | None = setting(
        None, "command that prints milliseconds; {model} stands for the path of the .tflite file"
    )

    def __post_init__(self) -> None:
        make_plain(self)
        check_types(self, integers=("threads", "runs"))
        if not isinstance(self.cache, str | os.PathLike):
            raise ValueError(f"`cache` must be the path of a folder. {received(cache=self.cache)}")
        object.__setattr__(self, "cache", os.fspath(self.cache))  # search.json holds strings
        if not is_one_of(self.precision, UNCALIBRATED_PRECISIONS):
            raise ValueError(
                f"`precision` of the latency must be one of {UNCALIBRATED_PRECISIONS}. "
                f"{received(precision=self.precision)}"
            )
        for name in ("threads", "runs"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. {received(**{name: getattr(self, name)})}"
                )
        if self.command is not None:
            check_command(self.command)

    def measure(self, config: CCTConfig | TextConfig) -> dict[str, float]:
        """Returns the latency of one sample: `latency_ms`, `ratio` and `anchor_ms`.

        The model is built with random weights. It stays in Keras' global state until the caller
        calls `keras.utils.clear_session`.

        Args:
            config: the architecture.

        Raises:
            ExportError: if the architecture cannot be exported.
            LatencyCommandError: if the command fails.
        """
        identity = self._identity() | {
            "precision": self.precision,
            "config": dataclasses.asdict(config),
        }
        entry = Path(self.cache, f"{_digest(identity)}.json")
        if entry.exists():
            return _stored(entry, "measured", ("latency_ms", "ratio", "anchor_ms"))
        Path(self.cache).mkdir(parents=True, exist_ok=True)
        with temporary_folder() as folder:
            candidate = folder / "candidate.tflite"
            _export(config, candidate, self.precision)
            anchor_ms, ratio = self._time(self._anchor(), candidate)
        reference = self._first_anchor_ms(anchor_ms)
        measured = {"latency_ms": ratio * reference, "ratio": ratio, "anchor_ms": reference}
        write_json(entry, {"measured": measured, "of": identity})
        return measured

    def _anchor(self) -> Path:
        """Returns the file of the anchor, which is exported at its first use."""
        path = Path(self.cache, f"anchor-{_digest(self._identity())}.tflite")
        if not path.exists():
            _export(variant_config(ANCHOR), path, "float32")
        return path

    def _first_anchor_ms(self, anchor_ms: float) -> float:
        """Returns the first latency of the anchor on this machine; stores it if there is none."""
        path = Path(self.cache, f"anchor-{_digest(self._identity())}.json")
        if not path.exists():
            write_json(path, {"anchor_ms": anchor_ms, "of": self._identity()})
        return _stored(path, None, ("anchor_ms",))["anchor_ms"]

    def _time(self, anchor: Path, candidate: Path) -> tuple[float, float]:
        """Returns the latency of the anchor in milliseconds, and the ratio of the candidate."""
        if self.command is None:
            targets = {"anchor": anchor, "candidate": candidate}
            report = latency.measure(targets, self.threads, self.runs)
            return report.rows[0].median_ms, report.rows[1].ratio
        times = [
            (run_command(self.command, anchor), run_command(self.command, candidate))
            for _ in range(COMMAND_RUNS)
        ]
        medians = [statistics.median(column) for column in zip(*times, strict=True)]
        return medians[0], medians[1] / medians[0]

    def _identity(self) -> dict[str, Any]:
        """Returns everything that a latency of the anchor depends on."""
        return {
            "anchor": ANCHOR,
            "threads": self.threads,
            "command": self.command,
            "machine": machine_name(),
            "litert": importlib.metadata.version("ai-edge-litert"),
        }


def _export(config: CCTConfig | TextConfig, path: Path, precision: str) -> None:
    model = CCT(config)
    randomise_vectors(model)
    export.to_litert(model, path, precision)


def _stored(path: Path, entry: str | None, names: tuple[str, ...]) -> dict[str, float]:
    """Returns the positive numbers with these names in a cached file, or in an entry of it."""
    what = "a measured latency, which can be deleted to measure it again"
    found = read_json(path, what)
    with reading(path, what):
        values = found if entry is None else found[entry]
        check_fields({"latencies": values}, {"latencies": OBJECT})
        check_fields(values, dict.fromkeys(names, POSITIVE))
        return {name: values[name] for name in names}


def _digest(identity: dict[str, Any]) -> str:
    text = json.dumps(identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
