"""Chief and workers of KerasTuner as processes on one machine."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from tuning.records import log

SCRIPT = Path(__file__).with_name("search.py")
RESTARTS = 3  # of one worker
SECONDS = 0.5  # between looks at the processes


def run_with_workers(directory, workers, arguments=(), script=SCRIPT):
    """Runs the trials of a search in `workers` processes, and waits for the end.

    A worker that dies is started again under its old name, and KerasTuner's chief gives it
    the trial that it had. The cores are shared out among the workers.

    Args:
        directory: of the search, with its `search.json`.
        workers: how many.
        arguments: more of the command line, for each.
        script: that takes `--resume DIRECTORY --trials-only`.

    Raises:
        RuntimeError: if the chief dies, or a worker does so more than three times. What was
            done is kept, and the search can be gone on with.
    """
    command = [sys.executable, script, "--resume", directory, "--trials-only", *arguments]
    address = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(_free_port())}

    def start(name, cores=None):
        threads = {"OMP_NUM_THREADS": str(len(cores))} if cores else {}
        process = subprocess.Popen(
            command, env=os.environ | address | threads | {"KERASTUNER_TUNER_ID": name}
        )
        if cores:
            os.sched_setaffinity(process.pid, cores)
        return process

    shares = _shares(workers)
    chief = start("chief")
    running = {f"worker{i}": start(f"worker{i}", share) for i, share in enumerate(shares)}
    restarts = dict.fromkeys(running, 0)
    try:
        while running:
            time.sleep(SECONDS)
            if chief.poll():  # with 0 it ends when all workers are told to
                raise RuntimeError(f"the chief ended with code {chief.returncode}")
            for name, process in list(running.items()):
                code = process.poll()
                if code == 0 or (code and chief.returncode == 0):
                    del running[name]
                elif code is not None:
                    restarts[name] += 1
                    if restarts[name] > RESTARTS:
                        raise RuntimeError(f"{name} ended with code {code} {restarts[name]} times")
                    log(directory, f"{name} ended with code {code} and is started again")
                    running[name] = start(name, shares[int(name.removeprefix("worker"))])
    finally:
        # The chief itself would leave up to 20 s later; its state is on disk at each trial's end.
        for process in [chief, *running.values()]:
            process.terminate()
            process.wait()


def _shares(workers):
    """The cores of each worker, or None each where cores cannot be chosen."""
    if not hasattr(os, "sched_setaffinity"):
        return [None] * workers
    cores = sorted(os.sched_getaffinity(0))
    return [cores[i::workers] or [cores[i % len(cores)]] for i in range(workers)]


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
