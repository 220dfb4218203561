"""Runs the workers of a search as processes on one machine, with KerasTuner's chief if needed."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cctzoo.child_process import ends_with_parent
from cctzoo.typing import PathLike
from tuning.records import WORKER, write_log

SCRIPT = Path(__file__).with_name("search.py")
RESTARTS = 3  # of one worker
POLL_SECONDS = 0.5


def run_with_workers(
    directory: PathLike,
    workers: int,
    arguments: Sequence[str] = (),
    script: PathLike = SCRIPT,
    *,
    chief: bool = True,
) -> None:
    """Runs the trials of a search in several processes, and waits for their end.

    A worker that dies is restarted with the same name, so that KerasTuner's chief gives it the
    same trial again. The cores are divided among the workers. If this process is killed, all of
    them end.

    Args:
        directory: the directory of the search, with its `search.json`.
        workers: number of workers.
        arguments: further command-line arguments of every process.
        script: a script that takes `--resume DIRECTORY --trials-only`, and `--join` without a
            chief.
        chief: whether the workers need KerasTuner's chief; Optuna's have none.

    Raises:
        RuntimeError: if the chief dies, or one worker dies more than three times; without a chief,
            if all workers do. The search can be resumed.
    """
    command = [sys.executable, script, "--resume", directory, "--trials-only", *arguments]
    address = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(_free_port())}

    with ends_with_parent() as (stdin, variables):

        def start(name, cores=None):
            threads = {"OMP_NUM_THREADS": str(len(cores))} if cores else {}
            names = address | {"KERASTUNER_TUNER_ID": name} if chief else {WORKER: name}
            words = command if chief else [*command, "--join"]
            environment = os.environ | threads | variables | names
            process = subprocess.Popen(words, env=environment, stdin=stdin)
            if cores:
                os.sched_setaffinity(process.pid, cores)
            return process

        _supervise(start, directory, _core_shares(workers), chief)


def _supervise(start, directory, shares, with_chief):
    """Starts all processes, restarts workers that die, and waits for the end of all."""
    chief = start("chief") if with_chief else None
    running = {f"worker{i}": start(f"worker{i}", share) for i, share in enumerate(shares)}
    restarts = dict.fromkeys(running, 0)
    finished = False  # then no worker is restarted: the others are told to end
    try:
        while running:
            time.sleep(POLL_SECONDS)
            if chief is not None:
                if chief.poll():
                    raise RuntimeError(f"the chief ended with code {chief.returncode}")
                finished = chief.returncode == 0
            for name, process in list(running.items()):
                code = process.poll()
                if code is None:
                    continue
                if code == 0 or finished:
                    del running[name]
                    finished = finished or chief is None
                    continue
                restarts[name] += 1
                if restarts[name] <= RESTARTS:
                    write_log(directory, f"{name} ended with code {code} and is restarted")
                    running[name] = start(name, shares[int(name.removeprefix("worker"))])
                    continue
                del running[name]
                message = f"{name} ended with code {code} {restarts[name]} times"
                if chief is not None or not running:
                    raise RuntimeError(message)
                write_log(directory, f"{message}; the others go on")
    finally:
        # The chief would end up to 20 s later. Its state is saved at the end of each trial.
        for process in [*filter(None, [chief]), *running.values()]:
            process.terminate()
            process.wait()


def _core_shares(workers: int) -> list[list[int] | None]:
    """Returns the cores of each worker; `None` on systems without CPU affinity."""
    if not hasattr(os, "sched_setaffinity"):
        return [None] * workers
    cores = sorted(os.sched_getaffinity(0))
    return [cores[i::workers] or [cores[i % len(cores)]] for i in range(workers)]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
