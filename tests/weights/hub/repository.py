"""What the tests of the Hub share."""

import importlib.util

import numpy as np
import pytest

needs_hub = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub") is None,
    reason="needs the extra `hub`: pip install 'cctzoo[hub]'",
)

ADDRESS = "hf://user/name"


def assert_equal(found, model):
    assert found.name == model.name
    assert found.config == model.config
    for ours, theirs in zip(found.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
