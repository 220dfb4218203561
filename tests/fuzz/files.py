"""Tampered files: every reader returns, or raises one ValueError that names the file.

    python -m tests.fuzz.files --seed 0 --count 300
    python -m tests.fuzz.files --seconds 3600
    python -m tests.fuzz.files --seed 0 --first 17 --count 1 --keep /tmp/case17

A reader may take 10 seconds and 500 MB, writes nowhere and executes nothing, see `guard`. The
readers run in child processes, for Linux only. With `--keep`, the tampered files remain.
"""

import argparse
import json
import logging
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

from tests.fuzz.cases import (
    MEMORY,
    Fault,
    Tally,
    arguments,
    described,
    is_clear,
    memory_limit,
    numbers_of,
    report,
)
from tests.fuzz.guard import Guard
from tests.fuzz.sound_files import SoundFiles
from tests.fuzz.tampering import tampered

SILENCE = 60  # seconds without a line, after which a child hangs in a call that nothing stops
START = 240  # the same until the first line: the imports and the sound files


def check_files(seed: int, count: int | None, seconds: float = 60, first: int = 0) -> Tally:
    """Runs cases in child processes; a child that hangs or dies is a failure, and is replaced.

    Args:
        seed, count, seconds, first: as in `run_cases`.
    """
    tally, end, number = Tally(), time.monotonic() + seconds, first
    while number < first + count if count is not None else time.monotonic() < end:
        command = [sys.executable, "-m", "tests.fuzz.files", "--child", f"--seed={seed}"]
        command += [f"--first={number}", f"--seconds={max(1, end - time.monotonic())}"]
        command += [] if count is None else [f"--count={first + count - number}"]
        with tempfile.TemporaryFile("w+") as errors:
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as child:
                timer, case = _kill_later(child, START), None
                for line in child.stdout:
                    timer.cancel()
                    timer = _kill_later(child, SILENCE)
                    found = json.loads(line)
                    case = found.get("case")  # None after the end of a case
                    if case is None:
                        _count(tally, seed, number, found)
                        number += 1
                timer.cancel()
            errors.seek(0)
            rest = errors.read()[-1000:]
        if child.returncode == 0:
            return tally
        if case is None:
            raise RuntimeError(f"The child process has ended between two cases: {rest}")
        _count(tally, seed, number, {"failure": f"{case}: the process hung or ended: {rest}"})
        number += 1
    return tally


def _kill_later(process, seconds):
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    return timer


def _count(tally, seed, number, found):
    if "outcome" in found:
        tally.counts[found["outcome"]] += 1
    else:
        tally.failures.append(f"case {number} of seed {seed}: {found['failure']}")
        print(tally.failures[-1], flush=True)


def run_child(options: argparse.Namespace) -> None:
    """Prints a line of JSON before and after each case."""
    warnings.simplefilter("ignore")
    logging.disable()
    lines, sys.stdout = sys.stdout, sys.stderr
    with tempfile.TemporaryDirectory() as root:
        sound = SoundFiles(Path(root, "sound"))
        guard = Guard(Path(root, "cases"))
        contents = []
        for name in sorted(sound.kinds):
            folder = Path(root, "cases", "sound", name)
            contents.append(sound.copy(name, folder).read_bytes())
            sound.kinds[name].read(folder)  # what this imports is not the work of a hostile file
        number, end = options.first, time.monotonic() + options.seconds
        while _goes_on(options, number, end):
            numbers = numbers_of(options.seed, number)
            name = numbers.choice(sorted(sound.kinds))
            print(json.dumps({"case": name}), file=lines, flush=True)
            folder = Path(root, "cases", str(number))
            tempfile.tempdir = str(folder)  # what a library unpacks stays in the folder
            try:
                found = {"outcome": check_case(numbers, sound, guard, name, folder, contents)}
            except Exception as error:
                found = {"failure": f"{name}: {described(error)[:1000]}"}
            if options.keep:
                shutil.copytree(folder, options.keep, dirs_exist_ok=True)
            shutil.rmtree(folder)
            print(json.dumps(found), file=lines, flush=True)
            number += 1


def _goes_on(options, number, end):
    if options.count is not None:
        return number < options.first + options.count
    return time.monotonic() < end


def check_case(
    numbers: random.Random,
    sound: SoundFiles,
    guard: Guard,
    name: str,
    folder: Path,
    contents: list[bytes],
) -> str:
    """Reads a tampered file of a kind; returns the outcome.

    Args:
        numbers: random numbers.
        sound: the sound files and their readers.
        guard: watches the reader.
        name: of the kind.
        folder: for the files of the case.
        contents: of sound files of all kinds.

    Raises:
        Fault: for any outcome but the two right ones.
    """
    path = sound.copy(name, folder)
    path.write_bytes(tampered(numbers, path.read_bytes(), path.suffix, contents))
    try:
        with memory_limit(MEMORY), guard.watch():
            sound.kinds[name].read(folder)
    except Fault:
        raise
    except Exception as error:
        clear = is_clear(error, (path.name, str(folder)), sound.kinds[name].word)
        if not clear or not isinstance(error, ValueError):
            raise Fault(f"not a clear refusal: {described(error)}") from error
        return f"{name}: refused"
    return f"{name}: read"


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--keep", type=Path, help="folder for the files of the last case")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child or options.keep:
        run_child(options)
    else:
        given = (options.seed, options.count, options.seconds, options.first)
        report(options, lambda: check_files(*given))
