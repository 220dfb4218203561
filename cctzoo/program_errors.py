"""Errors of a program in one line, with the way to continue."""

import argparse
import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from cctzoo.child_process import ChildFailed
from cctzoo.exit_codes import BROKEN_PIPE, INTERRUPTED
from cctzoo.export import ExportError
from cctzoo.formats.lock import HIDDEN, DirectoryInUse
from cctzoo.training import TrainingDiverged


@contextlib.contextmanager
def exit_on_error(
    parser: argparse.ArgumentParser, directory: Path | None = None, status: int = 2
) -> Iterator[None]:
    """Within the block, an error of the user, the data or the training ends the program.

    The error is printed in one line.

    Args:
        parser: the parser of the program.
        directory: directory that the messages mention for `--resume`, once there is something in
            it: of Ctrl-C, of an error of the disk or of a child process, and of an output that
            nobody reads any more.
        status: exit code. It is 2 if another process writes the directory.
    """

    def end(code, message, resumable=True):
        parser.exit(code, f"{parser.prog}: {message}{resume_hint(directory) * resumable}\n")

    try:
        yield
    except DirectoryInUse as error:
        end(2, error, resumable=False)
    except ExportError as error:  # with a cause, the conversion failed, not the comparison
        end(status, error, resumable=error.__cause__ is not None)
    except (ValueError, ImportError, TrainingDiverged) as error:
        end(status, error, resumable=False)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _output_is_closed():
            end(BROKEN_PIPE, "the reader of the output has ended")
        end(status, error)
    except ChildFailed as error:
        end(status, error)
    except KeyboardInterrupt:
        parser.exit(INTERRUPTED, f"\n{parser.prog}: interrupted{resume_hint(directory)}\n")


def resume_hint(directory: Path | None) -> str:
    """Returns how to resume a directory, to paste into a shell; "" if nothing was written yet."""
    if directory is None or not directory.is_dir():
        return ""
    if all(path.name.startswith(HIDDEN) for path in directory.iterdir()):
        return ""
    return f"; resume with --resume {shlex.quote(str(directory))}"


def _output_is_closed():
    """Whether stdout has no reader; its remaining text is discarded then.

    Python would otherwise print a second error when it writes that text at its end.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False
