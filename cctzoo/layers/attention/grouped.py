"""Attention with many narrow heads as exported graphs compute it, a group of heads at a time.

Found by timing LiteRT on a CPU (`docs/benchmarks.md` lists the tries). With 64 heads on 256
tokens the scores are 16.8 MB; those of one group stay in the processor's cache.

Letters: B batch, N heads, G heads of a group, T tokens, H head width.
"""

from keras import ops

NARROW = 8  # head widths up to this waste most of a matrix kernel's columns (32 with AVX-512)
GROUP_BYTES = 2 << 20  # of float32 scores; 1, 2 and 4 MiB are equally fast
MOST_GROUPS = 16  # bounds the graph: a group has seven operators
MOST_CONCATENATED = 4  # LiteRT's delegate concatenates no more than 5 tensors


def attend_in_groups(qkv, num_heads, bias=None):
    """Average of the values, weighted by softmax(query . key / sqrt(H)).

    Args:
        qkv: (B, T, 3 * N * H): queries, keys, values; T is static.
        num_heads: N.
        bias: added to the scores, (B, 1, 1 or T, T), or None.

    Returns: (B, T, N, H).
    """
    _, tokens, width = qkv.shape
    inner = width // 3
    head_dim = inner // num_heads
    group = _group_size(num_heads, tokens)
    query = ops.reshape(qkv[:, :, :inner], (-1, tokens, num_heads, head_dim)) * head_dim**-0.5
    query = ops.transpose(query, (0, 2, 1, 3))  # (B, N, T, H)
    # Keys and values in one tensor: had each its own, LiteRT would compute the scores of all
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
        outputs.append(ops.matmul(value, scores))  # (B, G, H, T): a kernel's rows, not columns
    return ops.transpose(_concatenate(outputs), (0, 3, 1, 2))


def _group_size(num_heads, tokens):
    """The largest divisor of N within GROUP_BYTES, or the smallest within MOST_GROUPS."""
    sizes = [size for size in range(1, num_heads + 1) if num_heads % size == 0]
    sizes = [size for size in sizes if num_heads // size <= MOST_GROUPS]
    return max((size for size in sizes if 4 * size * tokens**2 <= GROUP_BYTES), default=sizes[0])


def _concatenate(parts):
    """Along the heads, a few at a time."""
    while len(parts) > 1:
        starts = range(0, len(parts), MOST_CONCATENATED)
        parts = [ops.concatenate(parts[i : i + MOST_CONCATENATED], axis=1) for i in starts]
    return parts[0]
