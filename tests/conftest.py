"""Shared by all tests: each starts from one seed and in float32."""

import os

# Most of the suite's time under JAX is compiling: a third less without optimising.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import keras
import pytest


@pytest.fixture(autouse=True)
def fresh_state():
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("float32")
