"""What the tests of attention share."""

import pytest

from tests.layers.attention_inputs import BACKEND, T, set_tile_bytes


@pytest.fixture(params=[3, 14, 100], ids=["one head", "one sample", "everything"])
def tile(request, monkeypatch):
    """Room for 3 heads (3 does not divide 7), for two samples (2 does not divide 3), for all.

    Under PyTorch, only the last case keeps scores for the gradient.
    """
    set_tile_bytes(monkeypatch, 4 * T * T * request.param)
    if BACKEND == "torch" and request.param != 100:
        from cctzoo.layers.attention import torch

        monkeypatch.setattr(torch, "KEPT_BYTES", 0)
