"""Every test starts from one seed in float32; some tests run under one backend only."""

import logging
import os
import shutil
import tempfile

# Under JAX, most time goes into compilation: without optimisation, the tests take a third less.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# The tests and the processes that they start compile each program once. Each worker has a
# folder of its own, because JAX does not write the files of its cache atomically.
os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="jax-programs-")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
# `pytest -n` uses all cores already, and the models are too small for several threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import keras
import pytest


@pytest.fixture(autouse=True)
def fresh_state():
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")  # here, so that module fixtures start in float32 too
    notices = logging.getLogger("cctzoo")  # a recipe that ran in this process shows them
    notices.handlers.clear()
    notices.propagate = True


def pytest_unconfigure():
    shutil.rmtree(os.environ["JAX_COMPILATION_CACHE_DIR"])


def pytest_collection_modifyitems(config, items):
    """Deselects the tests that are marked for another backend."""
    here, elsewhere = [], []
    for item in items:
        marker = item.get_closest_marker("one_backend")
        if marker and marker.args not in {("tensorflow",), ("jax",), ("torch",)}:
            raise pytest.UsageError(
                "`one_backend` must name a Keras backend; otherwise, the test would never run. "
                f"Received: {marker.args} at {item.nodeid}"
            )
        alien = marker and marker.args[0] != keras.backend.backend()
        (elsewhere if alien else here).append(item)
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = here
