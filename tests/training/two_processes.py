"""Trains with one process and with two on this machine, and kills one of the two.

    python -m tests.training.two_processes jax --dataset npz:cifar10.npz
    python -m tests.training.two_processes torch --dataset npz:cifar10.npz

Every process has a processor core of its own and one thread. Printed are the images per second of
the last epoch, which has nothing to compile, and the loss of each epoch. A process of a further
training is killed (SIGKILL) in its second epoch; the other one is ended, as a launcher does, and
both are started again with --resume. The losses must be those of one process.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.training.few import history_of
from tests.training.job_files import compare, free_port

SAMPLES = 4900
FLAGS = (
    *("--model", "cct_2_3x2_32", "--train-samples", str(SAMPLES), "--test-samples", "500"),
    *("--validation", "0", "--epochs", "2", "--warmup-epochs", "1", "--batch-size", "128"),
    *("--no-export", "--changes", '{"attention_dropout": 0.0}'),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("backend", choices=("jax", "torch"))
    parser.add_argument("--dataset", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        alone, together, killed = (Path(temporary, name) for name in ("one", "two", "killed"))

        def new(folder):
            return [*FLAGS, "--dataset", options.dataset, "--directory", str(folder)]

        wait(start(options.backend, 1, new(alone)))
        wait(start(options.backend, 2, new(together)))
        report("one process", alone)
        report("two processes", together)
        compare("two processes", alone, together)
        kill_in_second_epoch(start(options.backend, 2, new(killed)), killed)
        wait(start(options.backend, 2, ["--resume", str(killed)]))
        report("two processes, of which one was killed", killed)
        compare("two processes, of which one was killed", alone, killed)


def start(backend, count, flags):
    """Starts `cctzoo train` in some processes, with the variables that a launcher sets."""
    port = free_port()
    shared = {
        **{"KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"},
        **{"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(count),
    }
    started = []
    for rank in range(count):
        own = {"RANK": str(rank), "KERAS_DISTRIBUTION_PROCESS_ID": str(rank)}
        # On one core, XLA starts one thread.
        command = ["taskset", "-c", str(rank), sys.executable, "-m", "cctzoo", "train", *flags]
        started.append(
            subprocess.Popen(command, env=os.environ | shared | own, stdout=subprocess.DEVNULL)
        )
    return started


def wait(processes):
    if any([each.wait() for each in processes]):
        sys.exit("error: a training failed")


def kill_in_second_epoch(processes, folder):
    """Kills the last process once an epoch is in the history, and then the others."""
    while not (folder / "history.csv").exists() or not history_of(folder):
        if any(each.poll() is not None for each in processes):
            sys.exit("error: a process ended before it was killed")
        time.sleep(0.05)
    for each in reversed(processes):
        each.kill()
        each.wait()
    if processes[-1].returncode != -signal.SIGKILL or len(history_of(folder)) != 1:
        sys.exit("error: no process was killed in the second epoch")


def report(name, folder):
    history = history_of(folder)
    losses = ", ".join(f"{epoch['loss']:.6f}" for epoch in history)
    speed = SAMPLES // 128 * 128 / history[-1]["seconds"]
    print(f"{name}: {speed:.0f} images/s, loss {losses}", flush=True)


if __name__ == "__main__":
    main()
