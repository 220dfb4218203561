"""Messages of other libraries that say nothing about the user's work."""

import contextlib
import importlib.util
import logging
import os
import re
import tempfile
from collections.abc import Iterator

# Of TensorFlow at its import, and of LiteRT when an interpreter starts. Neither has a setting.
NOISE = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|I\d{4} .*(oneDNN custom operations|Could not find cuda drivers|cpu_feature_guard)"
    rb"|E\d{4} .*failed call to cuInit"
    rb"|To enable the following instructions:"
    rb"|INFO: Created TensorFlow Lite XNNPACK delegate"
)


@contextlib.contextmanager
def stderr_into(lines: list[bytes]) -> Iterator[None]:
    """Within the block, nothing appears on standard error; afterwards, `lines` has its lines.

    The file descriptor is that of the process, so that lines of other threads are held, too.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # the process has no standard error
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            lines.extend(held)


@contextlib.contextmanager
def without_noise() -> Iterator[None]:
    """Within the block, native libraries write no `NOISE` to standard error.

    All other lines appear after the block.
    """
    lines: list[bytes] = []
    try:
        with stderr_into(lines):
            yield
    finally:
        for line in lines:
            if not NOISE.match(line):
                os.write(2, line)


def import_tensorflow() -> None:
    """Imports TensorFlow, if it is installed: Keras does so on every backend."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Its warnings are about retraced functions, in every analysis and every search.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if importlib.util.find_spec("tensorflow"):
        with without_noise():
            tensorflow = importlib.import_module("tensorflow")
            tensorflow.config.list_physical_devices()  # reports a missing GPU only once
