"""Latency of models, measured alternately in a fresh process."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.child_process import run_module
from cctzoo.formats.atomic import temporary_folder, write_json
from cctzoo.machine import installed_versions, machine_name
from cctzoo.messages import received
from cctzoo.plotting import as_label, new_figure, save_figure
from cctzoo.typing import PathLike
from cctzoo.weights import open_weights
from cctzoo.weights.address import is_address
from cctzoo.weights.folder import CONFIG
from cctzoo.weights.registry import WEIGHTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Latency", "LatencyReport", "measure"]

PACKAGES = (
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "ai-edge-litert",
    "onnxruntime",
    "openvino",
)


@dataclasses.dataclass(frozen=True)
class Latency:
    """Milliseconds of one image or text through one target.

    Attributes:
        name: of the target.
        median_ms, p10_ms, p90_ms: median, 10th and 90th percentile of the timed runs.
        ratio: the median relative to the first target's.
    """

    name: str
    median_ms: float
    p10_ms: float
    p90_ms: float
    ratio: float


@dataclasses.dataclass(frozen=True)
class LatencyReport:
    """One measurement. Its ratios carry over to other machines better than its milliseconds.

    Attributes:
        rows: one per target.
        threads: of each runtime.
        runs: timed runs of each target.
        in_a_row: how many of them follow each other, see `measure`.
        machine: name of the processor, number of cores.
        versions: package -> version.
    """

    rows: list[Latency]
    threads: int
    runs: int
    machine: str
    versions: dict[str, str]
    in_a_row: int = 1

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        lines = [f"{'':<{width}}{'median ms':>11}{'p10':>8}{'p90':>8}{'ratio':>8}"]
        lines += [
            f"{row.name:<{width}}{row.median_ms:>11.2f}{row.p10_ms:>8.2f}{row.p90_ms:>8.2f}"
            f"{row.ratio:>8.3f}"
            for row in self.rows
        ]
        versions = ", ".join(f"{package} {version}" for package, version in self.versions.items())
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        row = f", {self.in_a_row} in a row" if self.in_a_row > 1 else ""
        lines.append(
            f"batch 1, {threads}, {self.runs} alternating runs{row}; {self.machine}; {versions}"
        )
        return "\n".join(lines)

    def save(self, path: PathLike) -> None:
        """Writes the report as JSON."""
        write_json(path, dataclasses.asdict(self))

    def plot(self, path: PathLike) -> "Figure":
        """Draws the ratios as bars with the 10th to 90th percentile as whiskers.

        Args:
            path: the file, PNG or another format of matplotlib, e.g. SVG.

        Returns:
            The figure.
        """
        first = self.rows[0].median_ms
        ratios = [row.ratio for row in self.rows]
        whiskers = [
            [row.ratio - row.p10_ms / first for row in self.rows],
            [row.p90_ms / first - row.ratio for row in self.rows],
        ]
        figure = new_figure(8, 1.5 + 0.32 * len(ratios))
        axes = figure.subplots()
        names = [f"{as_label(row.name)}  {row.ratio:.3f}" for row in self.rows]
        places = range(len(names))
        axes.barh(places, ratios, xerr=whiskers, color="#0072b2")
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        name = as_label(self.rows[0].name, longest=24)
        # The names take part of the width: text is centred on the figure, which is wider.
        unit = f"latency of one sample relative to {name} ({first:.2f} ms)"
        figure.supxlabel(unit, fontsize="medium")
        machine = f"{as_label(self.machine, 80)}, threads: {self.threads}"
        figure.suptitle(machine, fontsize="small")
        save_figure(figure, path)
        return figure


@checked_arguments
def measure(
    targets: Mapping[str, keras.Model | PathLike],
    threads: int = 1,
    runs: int = 50,
    warmup: int = 5,
    in_a_row: int = 1,
) -> LatencyReport:
    """Times inference of one image, or one text of full length, by several targets alternately.

    A file that was exported with a larger batch is timed with one batch.

    The measurement runs in a new process, because a runtime's threads can only be limited
    before its first computation.

    Example:

    ```python
    import cctzoo

    models = {
        "4 heads": cctzoo.models.create_model("cct_2_3x2_32", heads=4),
        "16 heads": cctzoo.models.create_model("cct_2_3x2_32", heads=16),
    }
    report = cctzoo.latency.measure(models, runs=10)
    print(report.rows[1].ratio)
    ```

    Args:
        targets: name -> a `.tflite`, `.onnx`, OpenVINO `.xml`, `.keras` or `.safetensors` file, a
            SavedModel folder, a folder of `weights.save_to_folder` or its address, a tag of
            `weights.list_weights()`, or a Keras model. Keras models run on the current backend.
        threads: threads of each runtime.
        runs: timed runs of each target.
        warmup: untimed runs of each target before the timed ones.
        in_a_row: how many timed runs of a target follow each other. By default, each follows one
            of another target, and reads its weights from memory again. With 2 or more, an untimed
            run of the target precedes them, and a small model finds its weights in the
            processor's cache, as it does when nothing else runs between two samples.

    Returns:
        A `LatencyReport` with rows in the order of `targets`.

    Raises:
        ValueError: if `targets` is empty, a target is neither a model nor an existing path, or
            a count is below 1.
        RuntimeError: if the measuring process fails; the message has the end of its standard
            error.
    """
    if not targets:
        raise ValueError(f"`targets` must name at least one target. Received: targets={targets!r}")
    counts = {"threads": threads, "runs": runs, "warmup": warmup, "in_a_row": in_a_row}
    for name, count in counts.items():
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"`{name}` must be a positive integer. Received: {name}={count!r}")
    if runs % in_a_row:
        raise ValueError(
            f"`runs` must be a multiple of `in_a_row`. {received(runs=runs, in_a_row=in_a_row)}"
        )
    with temporary_folder() as folder:
        paths = {}
        for i, (name, target) in enumerate(targets.items()):
            if not isinstance(target, keras.Model) and _is_weights(target):
                with open_weights(target) as source:
                    target = source.build()
            if isinstance(target, keras.Model):
                paths[name] = str(folder / f"{i}.keras")
                target.save(paths[name])
            elif Path(target).exists():
                paths[name] = str(Path(target).resolve())
            else:
                raise ValueError(
                    "A target must be a Keras model, the tag of trained weights, or the path of "
                    "an existing artifact. "
                    f"Received: {name}={str(target)!r}"
                )
        job, result = folder / "job.json", folder / "result.json"
        job.write_text(json.dumps([paths, threads, runs, warmup, in_a_row]))
        variables = {"OMP_NUM_THREADS": str(threads), "TMPDIR": str(folder)}
        run_module("cctzoo._workers.time_models", job, result, **variables)
        times = json.loads(result.read_text())
    versions = installed_versions(PACKAGES)
    return LatencyReport(_rows(times), threads, runs, machine_name(), versions, in_a_row)


def _is_weights(target):
    """Whether a target is weights of ours, whose model must be built to be timed."""
    path = Path(target)
    if target in WEIGHTS or is_address(target):
        return True
    return path.suffix == ".safetensors" or (path / CONFIG).is_file()


def _rows(times):
    p10, median, p90 = np.percentile(list(times.values()), [10, 50, 90], axis=1)
    figures = np.transpose([median, p10, p90, median / median[0]])  # (targets, 4)
    return [Latency(name, *row) for name, row in zip(times, figures.tolist(), strict=True)]
