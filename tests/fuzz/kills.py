"""Kills and full disks: nothing is lost, and nothing is left behind.

    KERAS_BACKEND=torch nice python -m tests.fuzz.kills --seed 0

Trainings, searches and exports are killed at random moments and started again until they end.
Their results must be those without a kill. On a full disk, which a limit on the size of files
stands for, a program must end with one line that names the file and how to continue. Under
PyTorch only, because the programs are forked; the trainings have one thread.
"""

import argparse
import csv
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cctzoo import models, weights
from cctzoo.commands import train
from cctzoo.export import to_litert, to_saved_model
from cctzoo.formats.lock import HIDDEN
from cctzoo.training import is_run
from tests.tuning import made_up
from tuning import search
from tuning.latency import EdgeLatency
from tuning.records import read_records

TINY = """
    --train-samples 100 --test-samples 20 --batch-size 16 --epochs 6 --warmup-epochs 1
"""
MODEL = "--depth 1 --embed-dim 16 --heads 2 --no-export"
SPACE = """
    --proxy-epochs 2 --depth 2 --embed-dim 8 16 --heads 2 4 --head-profile even --head-dim 0
    --conv-prefix 0 1 --prefix-kind vgg --oracle random --trials 4 --final 0
"""
KILLS = 4  # of one training, search or export
TIMES = ("seconds", "training_seconds", "samples_per_second")  # differ between equal runs


def program(
    function: Callable[[], object],
    output: Path,
    seconds: float | None = None,
    most_bytes: int | None = None,
) -> int | None:
    """Runs a function in a forked process; returns its exit code, or None after a kill.

    Args:
        function: the program.
        output: file for what it prints.
        seconds: the time after which it is killed.
        most_bytes: the size at which no file can grow any more.
    """
    child = os.fork()
    if not child:
        status = 0
        try:
            file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, 1)
            os.dup2(file, 2)
            if most_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
            function()
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
            status = 99
        finally:
            os._exit(status)
    end = time.monotonic() + (seconds if seconds is not None else 600)
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def training(directory: Path) -> Callable[[], None]:
    """The command that trains, or resumes the run."""

    def main():
        words = ["--resume", str(directory)] if is_run(directory) else new
        sys.argv = ["train_cct.py", *words, "--no-export"]
        train.main("Trains.")

    new = [*TINY.split(), *MODEL.split(), "--directory", str(directory)]
    return main


def searching(directory: Path) -> Callable[[], None]:
    """The command that searches, or resumes the search; latencies are made up."""

    def main():
        EdgeLatency.measure = made_up.measure
        words = ["--resume", str(directory)] if (directory / "search.json").exists() else new
        sys.argv = ["search.py", *words]
        search.main()

    new = [*TINY.split(), *SPACE.split(), "--directory", str(directory)]
    return main


def exporting(directory: Path) -> Callable[[], None]:
    """Exports a model in a format of a file and in one of a folder, and saves it as a folder."""

    def main():
        model = models.create_model("cct_2_3x2_32", depth=1, embed_dim=16, heads=2)
        directory.mkdir(exist_ok=True)
        to_litert(model, directory / "model.tflite", class_names=list("abcdefghij"))
        to_saved_model(model, directory / "saved_model")
        weights.save_to_folder(model, directory / f"saved-{time.time_ns()}")

    return main


def results(directory: Path) -> dict:
    """History and report of a run, records and scores of a search, without times."""
    found = {}
    if (directory / "history.csv").exists():
        with open(directory / "history.csv", newline="") as file:
            found["history"] = [
                {name: float(value) for name, value in row.items() if name not in TIMES}
                for row in csv.DictReader(file)
            ]
        report = json.loads((directory / "report.json").read_text())
        flat = report | report.pop("class_accuracies") | {"confusion": str(report["confusion"])}
        found["report"] = {name: value for name, value in flat.items() if name not in TIMES}
    for record in read_records(directory):
        found[record.trial] = {"status": record.status, "score": record.score, **record.values}
    return found


def check_equal(found: dict, expected: dict) -> None:
    """Compares results, numbers up to a ten-thousandth."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        rows = value if name == "history" else [value]
        others = found[name] if name == "history" else [found[name]]
        for one, other in zip(others, rows, strict=True):
            assert one.keys() == other.keys(), name
            for key, figure in other.items():
                equal = pytest.approx(figure, rel=1e-4) if isinstance(figure, float) else figure
                assert one[key] == equal, (name, key)


def left_behind(*places: Path) -> list[str]:
    """Locks and drafts below the places."""
    return [str(path) for place in places for path in place.rglob(f"{HIDDEN}*")]


def kill(make, kind: str, count: int, numbers: random.Random, folder: Path) -> int:
    """Kills a program `count` times; each directory is finished after `KILLS` of them.

    Returns:
        The number of kills before anything was written.
    """
    start, whole = time.monotonic(), folder / f"{kind}-whole"
    assert program(make(whole), folder / "output") == 0, (folder / "output").read_text()
    duration, expected = time.monotonic() - start, results(whole)
    killed = early = 0
    while killed < count:
        directory = folder / f"{kind}-{killed}"
        for _ in range(KILLS):
            moment = numbers.uniform(0, duration)
            if killed < count and program(make(directory), folder / "output", moment) is None:
                killed += 1
                early += not directory.exists()
                print(f"{kind}: kill {killed} after {moment:.2f} s", flush=True)
                check_whole(directory)
        assert program(make(directory), folder / "output") == 0, (folder / "output").read_text()
        check_equal(results(directory), expected)
        check_whole(directory)
        assert not left_behind(directory, Path(tempfile.gettempdir())), left_behind(directory)
    return early


def check_whole(directory: Path) -> None:
    """Every artifact that exists can be read."""
    for path in directory.rglob("*.json"):
        if not any(part.startswith(HIDDEN) for part in path.parts):
            json.loads(path.read_text())
    for path in directory.glob("saved-*"):
        weights.load_from_folder(path)
    if (directory / "model.tflite").exists():
        assert (directory / "model.tflite.json").exists()
    if (directory / "saved_model").exists():
        assert (directory / "saved_model" / "saved_model.pb").exists()


def fill(make, kind: str, most_bytes: int, folder: Path) -> str:
    """Runs a program on a full disk, then without a limit; returns its message.

    Its results must be those of `kind`-whole.
    """
    directory, output = folder / f"{kind}-full-{most_bytes}", folder / "output"
    code = program(make(directory), output, most_bytes=most_bytes)
    message = output.read_text()
    assert code not in (0, None, 99) or kind == "export", message
    assert "Traceback" not in message or kind == "export", message
    assert not left_behind(directory, Path(tempfile.gettempdir()))
    check_whole(directory)
    assert program(make(directory), output) == 0, output.read_text()
    check_equal(results(directory), results(folder / f"{kind}-whole"))
    return message.strip().splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    for name, count in {"training": 20, "search": 10, "export": 10, "disk": 4}.items():
        parser.add_argument(f"--{name}", type=int, default=count, help=f"number of kills ({count})")
    options = parser.parse_args()
    numbers = random.Random(options.seed)
    made = {"training": training, "search": searching, "export": exporting}
    with tempfile.TemporaryDirectory() as place:
        folder, temporary = Path(place, "runs"), Path(place, "tmp")
        folder.mkdir()
        temporary.mkdir()
        os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
        kinds = [kind for kind in made if getattr(options, kind)]
        for kind in kinds:
            count = getattr(options, kind)
            early = kill(made[kind], kind, count, numbers, folder)
            print(f"{kind}: {count} kills, {early} before the first file")
        for number in range(options.disk):
            kind = kinds[number % len(kinds)]
            message = fill(made[kind], kind, numbers.randrange(2_000, 60_000), folder)
            print(f"{kind}, full disk: {message}")
        print(
            f"seed {options.seed}; left in the folder for temporary files: "
            f"{[path.name for path in temporary.iterdir()]}"
        )


if __name__ == "__main__":
    main()
