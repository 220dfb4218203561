"""Attention by groups of heads against the plain form."""

import numpy as np
import pytest
from keras import ops

from cctzoo.layers.attention import grouped as grouped_attention
from cctzoo.layers.attention.reference import mask_bias
from cctzoo.layers.attention.scaled_dot_product import attend
from tests.layers.contract import array, random_array

B, T, N, H = 2, 11, 14, 3
HEAD_BYTES = 4 * T**2


@pytest.mark.parametrize("heads_per_group", [1, 2, 3, 7, 14])
@pytest.mark.parametrize("masked", [False, True])
def test_equals_the_plain_form(monkeypatch, heads_per_group, masked):
    monkeypatch.setattr(grouped_attention, "GROUP_BYTES", heads_per_group * HEAD_BYTES)
    qkv = ops.convert_to_tensor(random_array(B, T, 3 * N * H))
    mask = None
    if masked:
        mask = ops.convert_to_tensor(np.arange(B * T).reshape(B, T) % 3 > 0)
    parts = [
        ops.transpose(ops.reshape(part, (B, T, N, H)), (0, 2, 1, 3))
        for part in ops.split(qkv, 3, axis=-1)
    ]
    expected = ops.transpose(attend(*parts, mask, implementation="plain"), (0, 2, 1, 3))
    heads = grouped_attention.attend_in_groups(qkv, N, mask_bias(mask))
    np.testing.assert_allclose(array(heads), array(expected), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("heads", "tokens", "size"),
    [(64, 256, 2), (64, 64, 32), (25, 256, 1), (13, 256, 1), (64, 10_000, 2), (1, 10_000, 1)],
)
def test_group_size(heads, tokens, size):
    """A divisor that fits into 512 KiB of scores, unless there would be over 32 groups."""
    assert grouped_attention.group_size(heads, tokens) == size
