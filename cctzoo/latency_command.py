"""Times a `.tflite` file by a command of the user, e.g. on a phone."""

import math
import shlex
import subprocess
from pathlib import Path

from cctzoo.messages import received

COMMAND_SECONDS = 600


class LatencyCommandError(RuntimeError):
    """A user's latency command failed, or did not print milliseconds."""


def check_command(command: str) -> None:
    """Raises ValueError unless the command contains {model}."""
    if not (isinstance(command, str) and "{model}" in command):
        raise ValueError(
            "A latency command must contain {model}, the path of the file to time. "
            f"{received(command=command)}"
        )


def run_command(command: str, model: Path) -> float:
    """Times a `.tflite` file with a user's command; returns milliseconds.

    Raises:
        LatencyCommandError: if the command fails or does not print a positive number last.
    """
    words = [word.replace("{model}", str(model)) for word in shlex.split(command)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LatencyCommandError(f"The latency command did not run: {error}") from error
    if done.returncode:
        raise LatencyCommandError(
            f"The latency command must end with code 0. Received: {done.returncode} from "
            f"{shlex.join(words)}: {done.stderr[-500:].strip()}"
        )
    try:
        milliseconds = float(done.stdout.split()[-1])
    except (IndexError, ValueError):
        milliseconds = math.nan
    if not 0 < milliseconds < math.inf:
        raise LatencyCommandError(
            "The last word of a latency command's output must be a positive number of "
            f"milliseconds. Received: {done.stdout[-200:].strip()!r} from {shlex.join(words)}"
        )
    return milliseconds
