"""A search by two workers, of which one is killed with SIGKILL for good: with both engines.

    KERAS_BACKEND=jax python -m tests.tuning.lost_worker

Each search has 12 trials whose trainings are replaced by a second of sleep. The seconds are those
from the first trial to the end. After the kill, a search of KerasTuner waits for ever: it is
stopped after 60 seconds. The command fails if Optuna loses a trial.
"""

import argparse
import collections
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.tuning import made_up
from tuning.records import WORKER, read_records

SCRIPT = Path(__file__).with_name("made_up_search.py")
TRIALS = 12
POLL_SECONDS = 0.1
START_SECONDS = 300  # for the imports of the processes


def main():
    options = parse_arguments()
    for engine in ("optuna", "keras_tuner"):
        for workers, kill in ((1, False), (2, False), (2, True)):
            with tempfile.TemporaryDirectory() as directory:
                seconds, statuses = search(engine, workers, kill, Path(directory), options.patience)
            end = f"{seconds:.1f} s" if seconds is not None else f"no end in {options.patience} s"
            deed = ", one is killed" if kill else ""
            print(f"{engine}, workers: {workers}{deed}: {end}, {dict(statuses)}", flush=True)
            if engine == "optuna" and statuses != {"trained": TRIALS}:
                sys.exit("Optuna has lost a trial")


def search(engine, workers, kill, directory, patience):
    """Runs a search; returns its seconds, or None without an end, and the counts of statuses."""
    made_up.make_plan(directory, engine=engine, oracle="random", trials=TRIALS).save(directory)
    with open(directory / "output", "w") as output:
        processes = [start(engine, f"worker{i}", directory, output) for i in range(workers)]
        waited = processes[:1]
        if engine == "keras_tuner":
            processes.append(start(engine, "chief", directory, output))
            waited = processes[-1:]
        try:
            begun = wait_until(lambda: read_records(directory), START_SECONDS)
            if kill:
                wait_until(lambda: runs(directory, f"worker{workers - 1}"), START_SECONDS)
                processes[workers - 1].kill()
            end = wait_until(lambda: all(p.poll() is not None for p in waited), patience)
            codes = {process.poll() for process in waited}
            if end is not None and codes != {0}:
                sys.exit((directory / "output").read_text())
        finally:
            for process in processes:
                process.kill()
                process.wait()
    statuses = collections.Counter(record.status for record in read_records(directory))
    return end and last_record(directory) - begun, statuses


def start(engine, name, directory, output):
    """Starts a worker, or KerasTuner's chief."""
    names = {WORKER: name}
    if engine == "keras_tuner":
        port = str(port_of(directory))
        names = {"KERASTUNER_TUNER_ID": name, "KERASTUNER_ORACLE_PORT": port}
        names["KERASTUNER_ORACLE_IP"] = "127.0.0.1"
    return subprocess.Popen(
        [sys.executable, SCRIPT, "--resume", directory],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | names,
        stdout=output,
        stderr=output,
    )


def port_of(directory, ports={}):  # noqa: B006  one free port for the processes of each search
    if directory not in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            ports[directory] = listener.getsockname()[1]
    return ports[directory]


def wait_until(holds, seconds):
    """Waits until a function returns something true; returns the time, or None without it."""
    end = time.time() + seconds
    while time.time() < end:
        if holds():
            return time.time()
        time.sleep(POLL_SECONDS)
    return None


def runs(directory, worker):
    """Whether a worker runs a trial."""
    records = read_records(directory)
    return any((each.worker, each.status) == (worker, "running") for each in records)


def last_record(directory):
    """Returns the time at which the last trial has finished."""
    return max(path.stat().st_mtime for path in directory.glob("trials/*/record.json"))


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patience", type=int, default=60, help="seconds after the kill")
    return parser.parse_args()


if __name__ == "__main__":
    main()
