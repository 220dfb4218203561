"""Training speed of cctzoo compared with the CCT authors' design in plain PyTorch.

    python recipes/benchmarks/training.py --json training.json

compares on the CPU: `competitors/plain_cct.py` with channels-last maps and fused AdamW, run
eagerly, the same model under `torch.compile`, and the model of cctzoo on each backend, trained by
`fit` as `cctzoo.training` compiles it. Each competitor runs in its own process; the processes of
one case run at the same time and take their rounds alternately. Two details favour plain PyTorch:
it computes no accuracy, and its batches are slices of one tensor, while `fit` shuffles.

Gives: docs/benchmarks/training.md.
"""

import argparse
import importlib.util
import itertools
import json
import operator
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

from competitors.training_competitors import KERAS, serve

BATCHES = {"cct_2_3x2_32": 128, "cct_conv": 128, "cct_7_3x1_32": 32}
DTYPE_POLICIES = ("float32", "mixed_bfloat16")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Training speed compared with the same design in plain PyTorch, on the CPU.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    cores = len(os.sched_getaffinity(0))
    installed = [name for name in KERAS if importlib.util.find_spec(name)]
    parser.add_argument("--models", nargs="+", default=[*BATCHES], help="variants")
    parser.add_argument("--heads", type=int, nargs="+", default=[4, 64], help="head counts")
    parser.add_argument(
        "--batch", type=int, nargs="+", help="images per step: one number, or one per model"
    )
    parser.add_argument(
        "--steps", type=int, default=10, help="steps per round, of which the median is taken"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds, of which the median is taken"
    )
    parser.add_argument(
        "--backends",
        nargs="+",
        choices=("compile", *KERAS),
        default=["compile", *installed],
        help="competitors of plain PyTorch: torch.compile, and cctzoo on a backend",
    )
    parser.add_argument(
        "--precision", choices=DTYPE_POLICIES, default="float32", help="dtype policy of all"
    )
    parser.add_argument("--threads", type=int, default=cores, help="cores per process")
    parser.add_argument("--json", type=pathlib.Path, help="file for the figures")
    parser.add_argument("--child", help=argparse.SUPPRESS)  # JSON: competitor, case
    options = parser.parse_args()
    if options.child:
        return options
    for name in ("steps", "rounds", "threads"):
        if getattr(options, name) < 1:
            fail(f"--{name} must be at least 1. Received: {getattr(options, name)}")
    if options.threads > cores:
        fail(f"--threads must be at most the {cores} cores. Received: {options.threads}")
    if missing := sorted({"torch", *options.backends} - {"compile", *installed}):
        fail(f"PyTorch and all --backends must be installed. Received: {missing} not installed")
    if options.json and not options.json.parent.is_dir():
        fail(f"--json must be a file path in an existing folder. Received: {options.json}")
    batches = options.batch or [BATCHES.get(name, 32) for name in options.models]
    batches = batches * len(options.models) if len(batches) == 1 else batches
    if len(batches) != len(options.models) or min(batches) < 1:
        fail(f"--batch must be one positive number, or one per model. Received: {options.batch}")
    options.cases = [
        {"model": model, "heads": heads, "batch": batch}
        for model, batch in zip(options.models, batches, strict=True)
        for heads in options.heads
    ]
    for case in options.cases:
        check_config(case)
    return options


def check_config(case):
    os.environ["KERAS_BACKEND"] = "torch"  # this process computes nothing
    from cctzoo.models.variants import variant_config

    try:
        config = variant_config(case["model"], heads=case["heads"])
    except ValueError as error:
        fail(error)
    kind = (config.family, config.positional_embedding, config.prefix_kind)
    if kind != ("cct", "learnable", "vgg") or config.attention != "softmax":
        fail(
            "--models must be of the cct family, with learnable positions and softmax attention. "
            f"Received: {case['model']}"
        )


def fail(message):
    print(f"training.py: {message}", file=sys.stderr)
    sys.exit(2)


class Child:
    """A competitor's process; `error` is the last line of its standard error if it fails."""

    def __init__(self, name, case):
        self.name, self.rounds, self.error = name, [], None
        self.stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115
        environment = {"KERAS_BACKEND": name if name in KERAS else "torch"}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        self.process = subprocess.Popen(
            [sys.executable, *sys.argv, "--child", json.dumps([name, case])],
            env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
        )
        self.answer()  # it is ready

    def answer(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        code = self.process.wait()
        self.stderr.seek(0)
        lines = self.stderr.read().strip().splitlines() or ["nothing on standard error"]
        self.error = f"ended with code {code}: {lines[-1]}"

    def run_round(self):
        if not self.error:
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
            reply = self.answer()
            self.rounds += [reply] if reply else []

    def close(self):
        self.process.communicate()  # the process ends at the end of its input
        self.stderr.close()


def run_case(case, options):
    """Rows of figures; the first row is plain PyTorch."""
    children = []
    try:
        for name in ("plain", *options.backends):
            children.append(Child(name, case))
        for _, child in itertools.product(range(options.rounds), children):
            child.run_round()
    finally:
        for child in children:
            child.close()
    rows = []
    for child in children:
        row = {**case, "competitor": child.name, "error": child.error, "rounds": child.rounds}
        for each in child.rounds:
            each["images_per_second"] = case["batch"] / statistics.median(each["seconds"])
        if not child.error:
            speeds, plain = (
                [each["images_per_second"] for each in c.rounds] for c in (child, children[0])
            )
            row["images_per_second"] = statistics.median(speeds)
            row["memory_bytes"] = child.rounds[-1]["memory"]
            if not children[0].error:
                row["ratio"] = statistics.median(map(operator.truediv, speeds, plain))
        rows.append(row)
    return rows


def show(console, case, rows, options):
    from rich.table import Table

    title = "{model}, {heads} heads, batch {batch}".format(**case)
    table = Table(title=f"{title}, {options.precision}")
    for name in ("", "images/s", "ratio to plain", "peak memory, GB"):
        table.add_column(name, justify="right" if name else "left")
    labels = {"plain": "plain PyTorch", "compile": "plain PyTorch, torch.compile"}
    for row in rows:
        cells = ["failed"]
        if not row["error"]:
            ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
            memory = f"{row['memory_bytes'] / 1e9:.2f}"
            cells = [f"{row['images_per_second']:.1f}", ratio, memory]
        table.add_row(labels.get(row["competitor"], f"cctzoo, {row['competitor']}"), *cells)
    console.print(table)
    for row in rows:
        if row["error"]:
            console.print(f"{row['competitor']} {row['error']}", markup=False, soft_wrap=True)


def main():
    options = parse_arguments()
    if options.child:
        return serve(options)
    from rich.console import Console

    from cctzoo.formats.atomic import write_json
    from cctzoo.machine import installed_versions, processor

    packages = {"keras", "torch", *options.backends} - {"compile"}
    about = {
        "processor": f"{processor()}, {platform.machine()}",
        "threads": options.threads,
        "versions": installed_versions(sorted(packages)),
        "python": platform.python_version(),
        "precision": options.precision,
        "steps": options.steps,
        "measured": "images/s: batch / median step of a round, then the median of the rounds; "
        "ratio: to plain PyTorch in the same round, median of the rounds; memory: the peak since "
        "the first step, compiling included, minus the memory before it",
        "results": [],
    }
    console = Console(width=100)
    for case in options.cases:
        rows = run_case(case, options)
        show(console, case, rows, options)
        about["results"] += rows
        if options.json:  # after each case, so that a killed run keeps its figures
            write_json(options.json, about)
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    console.print(
        f"{about['processor']}, {options.threads} threads; {versions}; {options.rounds} rounds of "
        f"{options.steps} steps. {about['measured']}."
    )


if __name__ == "__main__":
    main()
