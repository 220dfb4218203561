"""Numbered random cases: run many of them, count their outcomes, and report the failures."""

import argparse
import collections
import contextlib
import dataclasses
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LONGEST = 1000  # characters of an error message
MEMORY = 2**31  # bytes that a case may allocate; the conversion of a model takes most
SECONDS = 120  # of one case; exports in a child process take the longest

# A case takes its own random numbers and an empty folder, and returns its outcome.
Case = Callable[[random.Random, Path], str]


class Fault(Exception):
    """What a case must not do, with its smallest reproduction."""


@dataclasses.dataclass
class Tally:
    """The outcomes of the cases.

    Args:
        counts: the number of cases by outcome.
        failures: one line per failure; it begins with the number of the case.
    """

    counts: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    failures: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{count:6} {outcome}" for outcome, count in sorted(self.counts.items())]
        lines += [f"{len(self.failures):6} failures", *self.failures]
        return "\n".join(lines)


def is_clear(error: BaseException, names: tuple[str, ...], word: str = "Received") -> bool:
    """Whether an error tells the user which argument or file is wrong, and what was received.

    Args:
        error: the error.
        names: arguments, fields or files. The message must contain one of them.
        word: the message must contain it.
    """
    text = str(error)
    return (
        type(error) in (ValueError, TypeError)
        and word in text
        and len(text) < LONGEST
        and any(name in text for name in names)
    )


def described(error: Exception) -> str:
    """A `Fault` in its own words, another error with its type."""
    return str(error) if isinstance(error, Fault) else f"{type(error).__name__}: {error}"


def numbers_of(seed: int, number: int) -> random.Random:
    """The random numbers of one case, which do not depend on the cases before it."""
    return random.Random(f"{seed}/{number}")


def run_cases(
    case: Case,
    seed: int,
    count: int | None = None,
    seconds: float | None = None,
    first: int = 0,
    show: Callable[[str], Any] = lambda line: None,
    most_memory: int = MEMORY,
) -> Tally:
    """Runs the cases `first`, `first + 1`, ... of a seed.

    Args:
        case: the function of one case.
        seed: seed of all cases.
        count: number of cases. Default: as many as start within `seconds`.
        seconds: see `count`.
        first: number of the first case.
        show: is called with each failure when it occurs.
        most_memory: bytes that a case may allocate.
    """
    tally, start, number = Tally(), time.monotonic(), first
    while number < first + count if count is not None else time.monotonic() < start + seconds:
        with tempfile.TemporaryDirectory() as folder:
            try:
                with time_limit(SECONDS), memory_limit(most_memory):
                    outcome = case(numbers_of(seed, number), Path(folder))
                tally.counts[outcome] += 1
            except Exception as error:  # whatever a case raises is a failure
                reason = described(error)[:LONGEST]
                tally.failures.append(f"case {number} of seed {seed}: {reason}")
                show(tally.failures[-1])
        number += 1
    return tally


@contextlib.contextmanager
def memory_limit(size: int) -> Iterator[None]:
    """Within the block, the process can take a number of bytes more: the machine must survive."""
    if sys.platform != "linux":
        yield
        return
    import resource  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (memory("VmData") + size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def memory(name: str) -> int:
    """Bytes of this process under Linux: VmRSS now, VmHWM at most, VmData allocated."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TimeoutError in the block after a number of seconds."""

    def stop(*_):
        raise TimeoutError(f"not finished after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The flags that all commands share."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of all cases (0)")
    parser.add_argument("--count", type=int, help="number of cases (as many as --seconds allow)")
    parser.add_argument("--seconds", type=float, default=60, help="time for the cases (60)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (0)")
    return parser


def main(case: Case, options: argparse.Namespace, most_memory: int = MEMORY) -> None:
    """Runs the cases that the flags ask for, and reports them as `report` does."""
    given = {name: getattr(options, name) for name in ("seed", "count", "seconds", "first")}

    def show(line):
        print(line, flush=True)

    report(options, lambda: run_cases(case, **given, show=show, most_memory=most_memory))


def report(options: argparse.Namespace, run: Callable[[], Tally]) -> None:
    """Prints the tally of a run, and exits with 1 after a failure."""
    sys.stdout.reconfigure(errors="backslashreplace")  # odd texts are not all valid Unicode
    start = time.monotonic()
    tally = run()
    last = options.first + tally.counts.total() + len(tally.failures) - 1
    seconds = time.monotonic() - start
    print(f"cases {options.first} to {last} of seed {options.seed}, {seconds:.0f} s\n{tally}")
    raise SystemExit(1 if tally.failures else 0)
