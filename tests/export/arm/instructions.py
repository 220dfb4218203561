"""Counts the ARM instructions of one inference with exported files, under QEMU.

    KERAS_BACKEND=tensorflow python -m tests.export.arm.instructions
    KERAS_BACKEND=tensorflow python -m tests.export.arm.instructions --models cct_conv --to arm/

Needs what `tests.export.arm.answers` needs, a QEMU with plugins (Debian 12's), and a C compiler.
Prints a Markdown table: millions of instructions of the second inference on one thread, and how
many of them multiply vectors. `docs/guides/devices.md` says what a count can tell, and what not.
"""

import argparse
import collections
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras

from cctzoo import models
from cctzoo.export.inputs import noise, randomise_vectors
from tests.export.arm import machine
from tests.export.arm.files import in_precisions

CHILD = Path(__file__).parent / "on_device.py"
MODELS = ("cct_7_3x1_32", "cct_lsmha", "cct_polynomial", "cct_conv")
PRECISIONS = ("float32", "dynamic_int8", "int8")


def main(folder: Path, names: list[str], precisions: list[str], processors: list[str]) -> None:
    machine.prepare(folder)
    plugin = machine.build_plugin(folder)
    paths = [path for name in names for path in exported(folder, name, precisions)]
    print("| model | precision | processor | instructions | multiplying vectors |")
    print("|---|---|---|---|---|", flush=True)
    for processor in processors:
        command = machine.command(folder, processor, [CHILD, "count", *paths], plugin)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
            for path, counts in zip(paths, differences(run.stderr), strict=False):
                name, _, precision = path.stem.rpartition("-")
                total = counts.pop("all")
                kinds = ", ".join(
                    f"{kind} {n / 1e6:.2f} M" for kind, n in counts.items() if n > 1e4
                )
                row = f"| `{name}` | {precision} | {processor} | {total / 1e6:.1f} M | {kinds} |"
                print(row, flush=True)
        if run.returncode:
            sys.exit(f"qemu-aarch64 ends with {run.returncode}")


def differences(lines: Iterable[str]) -> Iterator[collections.Counter]:
    """Yields the counts between each two lines of the plugin, by kind; prints other lines."""
    start = None
    for line in lines:
        if not line.startswith("count "):
            print(line, end="", file=sys.stderr)
        elif start is None:
            start = totals_of(line)
        else:
            end = totals_of(line)
            yield collections.Counter({kind: end[kind] - start[kind] for kind in end})
            start = None


def totals_of(line: str) -> collections.Counter:
    """The counts of one line; kinds with two encodings are there twice."""
    counts = collections.Counter()
    for entry in line.split()[1:]:
        kind, _, number = entry.partition("=")
        counts[kind] += int(number)
    return counts


def exported(folder, name, precisions):
    """Random weights, with scales and shifts moved off one and zero, as after training."""
    keras.utils.set_random_seed(0)
    model = models.create_model(name)
    randomise_vectors(model)
    return in_precisions(model, folder, name, noise(model, 64), precisions)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = list(machine.PROCESSORS)
    parser.add_argument("--processors", nargs="+", choices=known, default=known)
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="names of `cctzoo list`")
    known = list(PRECISIONS)
    parser.add_argument("--precisions", nargs="+", choices=known, default=known)
    parser.add_argument("--to", type=Path, help="a folder to keep (a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.to or Path(temporary)).absolute()
        main(folder, options.models, options.precisions, options.processors)
