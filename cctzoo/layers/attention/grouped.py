"""Attention with many narrow heads in exported graphs: one group of heads at a time.

The order of operations was found by timing LiteRT on a CPU (`docs/benchmarks/export.md` lists the
alternatives). The scores of 64 heads on 256 tokens take 16.8 MB; the scores of one group fit
into the processor's cache.

Letters: B batch, N heads, G heads of a group, T tokens, H head width.
"""

import contextlib
import contextvars
from collections.abc import Iterator

from keras import ops

from cctzoo.typing import Tensor

NARROW = 8  # up to this head width, most columns of a matrix kernel are idle (AVX-512 has 32)
# Of float32 scores. Milliseconds of attention with 64 heads on 256 tokens with groups of 1/4,
# 1/2, 1, 2 and 4 MiB: 4.7, 5.3, 6.3, 6.7 and 7.3 (Xeon with 1 MiB of L2 cache); on an AMD Zen 5,
# 1, 2 and 4 MiB are equally fast.
GROUP_BYTES = 512 << 10
MOST_GROUPS = 32  # limits the size of the graph: seven operators per group
MOST_CONCATENATED = 5  # by LiteRT's delegate

_scale = contextvars.ContextVar("scale", default=1.0)


@contextlib.contextmanager
def scaled_groups(scale: float) -> Iterator[None]:
    """Groups of heads may take `scale` times the default memory, of either kind of attention."""
    token = _scale.set(scale)
    try:
        yield
    finally:
        _scale.reset(token)


def attend_in_groups(qkv: Tensor, num_heads: int, bias: Tensor | None = None) -> Tensor:
    """Average of the values, weighted by softmax(query . key / sqrt(H)).

    Args:
        qkv: queries, keys and values (B, T, 3 * N * H); T is static.
        num_heads: number of heads N.
        bias: added to the scores, (B, 1, 1 or T, T).

    Returns:
        (B, T, N, H).
    """
    _, tokens, width = qkv.shape
    inner = width // 3
    head_dim = inner // num_heads
    group = group_size(num_heads, tokens)
    query = ops.reshape(qkv[:, :, :inner], (-1, tokens, num_heads, head_dim)) * head_dim**-0.5
    query = ops.transpose(query, (0, 2, 1, 3))  # (B, N, T, H)
    # Keys and values in one tensor: with two tensors, LiteRT would compute the scores of all
    # groups before the first average.
    keys_values = ops.reshape(qkv[:, :, inner:], (-1, tokens, 2 * num_heads, head_dim))
    keys_values = ops.transpose(keys_values, (0, 2, 3, 1))  # (B, 2N, H, T)
    outputs = []
    for start in range(0, num_heads, group):
        key = keys_values[:, start : start + group]  # (B, G, H, T)
        value = keys_values[:, num_heads + start : num_heads + start + group]
        scores = ops.cast(ops.matmul(query[:, start : start + group], key), "float32")
        scores = ops.softmax(scores if bias is None else scores + bias, axis=-1)
        scores = ops.swapaxes(ops.cast(scores, value.dtype), -1, -2)  # (B, G, T, T)
        outputs.append(ops.matmul(value, scores))  # (B, G, H, T): H are rows of a matrix kernel
    return ops.transpose(concatenate(outputs, axis=1), (0, 3, 1, 2))


def group_size(num_heads: int, tokens: int) -> int:
    """`largest_group` with at most GROUP_BYTES of scores and MOST_GROUPS groups."""
    return largest_group(num_heads, 4 * tokens**2, GROUP_BYTES, MOST_GROUPS)


def largest_group(num_heads: int, head_bytes: int, most_bytes: float, most_groups: int) -> int:
    """The largest divisor of N whose heads have at most so many bytes, in at most so many groups.

    If none has so few bytes: the smallest one with at most so many groups. `scaled_groups` scales
    the bytes.
    """
    most_bytes *= _scale.get()
    sizes = [size for size in divisors(num_heads) if num_heads // size <= most_groups]
    return max((size for size in sizes if size * head_bytes <= most_bytes), default=sizes[0])


def divisors(number: int) -> list[int]:
    """All divisors, from 1 on."""
    return [size for size in range(1, number + 1) if number % size == 0]


def concatenate(parts: list[Tensor], axis: int) -> Tensor:
    """Concatenates along an axis, a few tensors at a time."""
    while len(parts) > 1:
        starts = range(0, len(parts), MOST_CONCATENATED)
        parts = [ops.concatenate(parts[i : i + MOST_CONCATENATED], axis) for i in starts]
    return parts[0]
