"""Shared by all tests: each starts from one seed and in float32; some run under one backend."""

import os

# Most of the suite's time under JAX is compiling: a third less without optimising.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import keras
import pytest


@pytest.fixture(autouse=True)
def fresh_state():
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")  # before fixtures of the next module, too


def pytest_collection_modifyitems(config, items):
    """Deselects what is marked to run under another backend."""
    here, elsewhere = [], []
    for item in items:
        marker = item.get_closest_marker("one_backend")
        if marker and marker.args not in {("tensorflow",), ("jax",), ("torch",)}:
            raise pytest.UsageError(
                "`one_backend` must name a Keras backend, or the test would never run. "
                f"Received: {marker.args} at {item.nodeid}"
            )
        alien = marker and marker.args[0] != keras.backend.backend()
        (elsewhere if alien else here).append(item)
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = here
