"""Latency of models, measured alternately in a fresh process."""

import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from cctzoo.child_process import run_module
from cctzoo.formats.atomic import write_json
from cctzoo.runtimes import load_runner


@dataclasses.dataclass(frozen=True)
class Latency:
    """Milliseconds of one image or text through one target; `ratio` is to the first target."""

    name: str
    median_ms: float
    p10_ms: float
    p90_ms: float
    ratio: float


@dataclasses.dataclass(frozen=True)
class LatencyReport:
    """One measurement: its rows and what they ran on. The ratios outlive the machine."""

    rows: list[Latency]
    threads: int
    runs: int
    machine: str
    versions: dict[str, str]

    def __str__(self):
        width = max(len(row.name) for row in self.rows)
        lines = [f"{'':<{width}}{'median ms':>11}{'p10':>8}{'p90':>8}{'ratio':>8}"]
        lines += [
            f"{row.name:<{width}}{row.median_ms:>11.2f}{row.p10_ms:>8.2f}{row.p90_ms:>8.2f}"
            f"{row.ratio:>8.3f}"
            for row in self.rows
        ]
        versions = ", ".join(f"{package} {version}" for package, version in self.versions.items())
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        lines.append(f"batch 1, {threads}, {self.runs} runs in turn; {self.machine}; {versions}")
        return "\n".join(lines)

    def save(self, path):
        """Writes the report as JSON."""
        write_json(path, dataclasses.asdict(self))

    def plot(self, path):
        """Draws the ratios as bars, the 10th to 90th percentile as whiskers: PNG or SVG."""
        import matplotlib.figure  # here: `import cctzoo` must not load it

        first = self.rows[0].median_ms
        ratios = [row.ratio for row in self.rows]
        whiskers = [
            [ratio - row.p10_ms / first for row, ratio in zip(self.rows, ratios, strict=True)],
            [row.p90_ms / first - ratio for row, ratio in zip(self.rows, ratios, strict=True)],
        ]
        figure = matplotlib.figure.Figure((8, 1.2 + 0.32 * len(ratios)), layout="constrained")
        axes = figure.subplots()
        names = [f"{row.name}  {row.ratio:.3f}" for row in self.rows]
        axes.barh(names, ratios, xerr=whiskers, color="#4477aa")
        axes.invert_yaxis()
        axes.set_xlabel(f"latency of one sample relative to {self.rows[0].name} ({first:.2f} ms)")
        axes.set_title(f"{self.machine}, threads: {self.threads}", fontsize="small")
        figure.savefig(path, dpi=150)


def measure(targets, threads=1, runs=50, warmup=5):
    """Times inference of one image, or one text of full length, by several targets in turn.

    The measurement has a process of its own: threads can only be set in a fresh one.

    Args:
        targets: dict from a name to a `.tflite`, `.onnx`, OpenVINO `.xml` or `.keras` file, a
            SavedModel folder, or a Keras model; `.keras` and models run live on this backend.
        threads: of each runtime.
        runs: timed runs of each target.
        warmup: untimed runs of each target before them.

    Returns:
        A `LatencyReport` with rows in the order of `targets`.

    Raises:
        ValueError: for no targets, a target of no such kind, or counts below 1.
        RuntimeError: if the measuring process fails, with its own words.
    """
    if not targets:
        raise ValueError(f"`targets` must name at least one target. Received: targets={targets!r}")
    for name, count in {"threads": threads, "runs": runs, "warmup": warmup}.items():
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"`{name}` must be a positive integer. Received: {name}={count!r}")
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for i, (name, target) in enumerate(targets.items()):
            if isinstance(target, keras.Model):
                paths[name] = str(Path(folder, f"{i}.keras"))
                target.save(paths[name])
            elif Path(target).exists():
                paths[name] = str(Path(target).resolve())
            else:
                raise ValueError(
                    "A target must be a Keras model or the path of an artifact that exists. "
                    f"Received: {name}={target!r}"
                )
        job, result = Path(folder, "job.json"), Path(folder, "result.json")
        job.write_text(json.dumps([paths, threads, runs, warmup]))
        run_module(__name__, job, result, OMP_NUM_THREADS=str(threads))
        times = json.loads(result.read_text())
    p10, median, p90 = np.percentile(list(times.values()), [10, 50, 90], axis=1)
    figures = np.transpose([median, p10, p90, median / median[0]])  # (targets, 4)
    rows = [Latency(name, *row) for name, row in zip(times, figures.tolist(), strict=True)]
    return LatencyReport(rows, threads, runs, machine(), _versions())


def machine():
    """The processor's name and the number of its cores, as text."""
    return f"{_processor()}, {os.cpu_count()} cores"


def randomise_vectors(model):
    """Moves scales, shifts and biases off the ones and zeros that they start from.

    Converters drop a multiplication by ones and an addition of zeros: a model to be timed
    without training would lack operators that it has after it.
    """
    generator = np.random.default_rng(0)
    for weight in model.weights:
        if len(weight.shape) == 1 and keras.backend.is_float_dtype(weight.dtype):
            noise = 0.1 * generator.standard_normal(weight.shape)
            weight.assign(keras.ops.convert_to_numpy(weight) + noise)


def _versions():
    versions = {}
    for package in (
        "keras",
        "tensorflow",
        "jax",
        "torch",
        "ai-edge-litert",
        "onnxruntime",
        "openvino",
    ):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _processor():
    """The processor's name; Python's own `platform.processor` is empty on most Linux."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _time_in_turn(paths, threads, runs, warmup):
    """In the child: name -> milliseconds of each run."""
    _limit_threads(threads)
    calls = []
    for path in paths.values():
        run = load_runner(path, threads)
        sample = np.random.default_rng(0).uniform(0, 255, (1, *run.sample_shape))
        if run.dtype.kind == "i":  # ids: what they are, does not change the time
            sample = np.zeros_like(sample)
        sample = sample.astype(run.dtype)
        calls.append(lambda run=run, sample=sample: run(sample))
    for call in calls:
        for _ in range(warmup):
            call()
    times = {name: [] for name in paths}
    for _ in range(runs):
        for name, call in zip(paths, calls, strict=True):
            start = time.perf_counter()
            call()
            times[name].append(1e3 * (time.perf_counter() - start))
    return times


def _limit_threads(threads):
    if hasattr(os, "sched_setaffinity"):  # Linux: binds JAX too, which has no setting
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if importlib.util.find_spec("tensorflow"):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)


if __name__ == "__main__":
    job, result = map(Path, sys.argv[1:])
    result.write_text(json.dumps(_time_in_turn(*json.loads(job.read_text()))))
