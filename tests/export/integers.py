"""Accuracy, size and latency of trained models in every LiteRT precision, and what Vela maps.

    python -m tests.export.integers --cifar10 cifar10.npz

Needs the extra `export`, and `pip install ethos-u-vela` for the last column: the operators that
Arm's compiler leaves to the CPU on an Ethos-U55 and an Ethos-U85. The accuracy is of all test
images; the ranges of activations come from training images. The latency is that of one core, in
alternating runs, relative to float32. Prints a table in Markdown.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from cctzoo import data, export, latency, models
from cctzoo.export.litert import PRECISIONS
from cctzoo.runtimes import LiteRTRunner

MODELS = ("cct_2_3x2_32.cifar10", "cct_conv.cifar10_10k")
ACCELERATORS = ("ethos-u55-256", "ethos-u85-256")


def main(cifar10: str, folder: Path, runs: int) -> None:
    dataset = data.load(f"npz:{cifar10}")
    some = np.random.default_rng(0).permutation(len(dataset.x_test))[:500]
    print("| model | precision | accuracy | MB | latency | float operators | Vela: U55, U85 |")
    print("|---|---|---|---|---|---|---|")
    for tag in MODELS:
        model = models.create_model(tag)
        reports = {
            precision: export.to_litert(
                model,
                folder / f"{precision}.tflite",
                precision,
                samples=dataset.x_test[some],
                labels=dataset.y_test[some],
                calibration=dataset,
            )
            for precision in PRECISIONS
        }
        paths = {precision: Path(report.path) for precision, report in reports.items()}
        rows = latency.measure(paths, runs=runs).rows
        times = {row.name: row.median_ms for row in rows}
        for precision, path in paths.items():
            floats = LiteRTRunner(path, delegate=False).float_operators()
            right = LiteRTRunner(path)(dataset.x_test).argmax(-1) == dataset.y_test
            print(
                f"| `{tag}` | `{precision}` | {right.mean():.2%} | "
                f"{reports[precision].bytes / 1e6:.2f} | "
                f"{times[precision] / times['float32']:.2f} | {len(floats)} kinds | "
                f"{vela(path) if precision == 'full_int8' else '-'} |",
                flush=True,
            )


def vela(path: Path) -> str:
    """The operators that Vela leaves to the CPU, of all, for each accelerator."""
    found = []
    for accelerator in ACCELERATORS:
        command = [sys.executable, "-m", "ethosu.vela", str(path), "--show-cpu-operations"]
        command += ["--accelerator-config", accelerator, "--output-dir", str(path.parent)]
        child = subprocess.run(command, capture_output=True, text=True)
        if child.returncode:
            raise RuntimeError(f"Vela failed, see --help. {child.stdout}{child.stderr}")
        counts = [
            int(re.search(rf"{kind} operators = (\d+)", child.stdout)[1]) for kind in ("CPU", "NPU")
        ]
        found.append(f"{counts[0]} of {sum(counts)} on the CPU")
    return ", ".join(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cifar10", required=True, help="a .npz file with the images of CIFAR-10")
    parser.add_argument("--runs", type=int, default=200, help="timed runs of each file (200)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        main(options.cifar10, Path(temporary), options.runs)
