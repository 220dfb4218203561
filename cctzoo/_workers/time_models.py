"""Times artifacts alternately: `time_models JOB.json RESULT.json`.

The job is a list: name -> path, threads, timed runs, untimed runs before them, timed
runs in a row. The result maps each name to the milliseconds of each timed run.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path

import numpy as np

from cctzoo.child_process import end_with_parent
from cctzoo.machine import limit_threads
from cctzoo.runtimes import load_runner


def main(job: str, result: str) -> None:
    times = time_alternately(*json.loads(Path(job).read_text()))
    Path(result).write_text(json.dumps(times))


def time_alternately(
    paths: dict[str, str], threads: int, runs: int, warmup: int, in_a_row: int
) -> dict[str, list[float]]:
    """Name -> milliseconds of each run."""
    if importlib.util.find_spec("tensorflow"):
        import tensorflow  # noqa: F401  SavedModels run by it, on every backend
    limit_threads(threads, parallel_operators=1)
    calls = {}
    for name, path in paths.items():
        run = load_runner(path, threads)
        sample = np.random.default_rng(0).uniform(0, 255, (run.batch or 1, *run.sample_shape))
        if run.dtype.kind == "i":  # ids: their values do not change the time
            sample = np.zeros_like(sample)
        sample = sample.astype(run.dtype)
        calls[name] = lambda run=run, sample=sample: run(sample)
    for call in calls.values():
        for _ in range(warmup):
            call()
    times = {name: [] for name in calls}
    for _ in range(runs // in_a_row):
        for name, call in calls.items():
            if in_a_row > 1:
                call()  # which reads the weights into the cache
            for _ in range(in_a_row):
                start = time.perf_counter()
                call()
                times[name].append(1e3 * (time.perf_counter() - start))
    return times


if __name__ == "__main__":
    end_with_parent()
    main(*sys.argv[1:])
