"""Runs the job files of examples/slurm and examples/kubernetes on this machine.

    python -m tests.training.job_files

Two processes on loopback stand for two machines. `srun` and `scontrol` are replaced by stand-ins,
which set the variables that Slurm sets; the command of the Kubernetes job is run with the
variable that an indexed job sets. Each job trains on the digits for two epochs, and must give
the history of a single process. Not run: the allocation, the network and the volumes of a cluster.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tests.training.few import history_of

EXAMPLES = Path(__file__).parents[2] / "examples"
FLAGS = (
    *("--train-samples", "200", "--test-samples", "100", "--epochs", "2", "--warmup-epochs", "1"),
    *("--batch-size", "16", "--no-export", "--changes", '{"attention_dropout":0.0}'),
)
SRUN = f"""#!{sys.executable}
import os, subprocess, sys
command = [each for each in sys.argv[1:] if each != "--kill-on-bad-exit=1"]
nodes = int(os.environ["SLURM_NNODES"])
ranks = [os.environ | {{"SLURM_PROCID": str(rank)}} for rank in range(nodes)]
started = [subprocess.Popen(command, env=rank) for rank in ranks]
sys.exit(max(each.wait() for each in started))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, text in (("srun", SRUN), ("scontrol", "#!/bin/sh\necho 127.0.0.1\n")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        for backend in ("torch", "jax"):
            alone = folder / f"{backend}_alone"
            run([sys.executable, "-m", "cctzoo", "train", *FLAGS, "--directory", alone], backend)
            slurm = {
                "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
                "SLURM_NNODES": "2",
                "SLURM_JOB_NODELIST": "node[0-1]",
                "SLURM_JOB_ID": "1",
                "PORT": str(free_port()),
            }
            together = folder / f"{backend}_slurm"
            job = EXAMPLES / "slurm" / f"train_{backend}.sh"
            run([job, *FLAGS, "--directory", together], backend, **slurm)
            compare(job.name, alone, together)
        kubernetes(folder)


def kubernetes(folder):
    """Runs the command of the Kubernetes job twice, with this machine in place of its pods."""
    file = EXAMPLES / "kubernetes" / "train.yaml"
    _, job = yaml.safe_load_all(file.read_text())
    (command,) = job["spec"]["template"]["spec"]["containers"][0]["args"]
    together = folder / "kubernetes"
    command = command.replace("cctzoo-0.cctzoo", "127.0.0.1").replace("29500", str(free_port()))
    command = re.sub("--dataset .*", f"{shlex.join(FLAGS)} --directory {together}", command)
    environment = os.environ | {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            ["sh", "-c", command], env=environment | {"JOB_COMPLETION_INDEX": str(index)}
        )
        for index in range(job["spec"]["completions"])
    ]
    if any([each.wait() for each in started]):
        sys.exit("error: the command of the Kubernetes job failed")
    compare(file.name, folder / "torch_alone", together)


def run(command, backend, **variables):
    environment = os.environ | {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"} | variables
    subprocess.run(command, env=environment, check=True)


def compare(name, alone, together):
    pairs = zip(history_of(alone), history_of(together), strict=True)
    difference = max(abs(a["loss"] - b["loss"]) for a, b in pairs)
    print(f"{name}: the loss of an epoch differs from one process by at most {difference:.1e}")
    if not difference < 1e-5:
        sys.exit("error: the difference must be below 1e-5")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


if __name__ == "__main__":
    main()
