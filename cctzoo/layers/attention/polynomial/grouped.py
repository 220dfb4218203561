"""Polynomial attention in exported graphs: some heads at a time, several of them in a product.

The order of operations was found by timing LiteRT on a CPU (`docs/benchmarks/export.md` lists the
alternatives).

Letters: B batch, N heads, G heads of a group, P heads of a panel, T tokens, H head width.
"""

import numpy as np
from keras import ops

from cctzoo.layers.attention.grouped import concatenate, divisors, largest_group
from cctzoo.layers.attention.polynomial.kernel import lifted_query
from cctzoo.layers.attention.polynomial.linear import lifted_key_and_value
from cctzoo.typing import Array, Tensor

GROUP_BYTES = 256 << 10  # of the lifted keys of a group in float32: they stay in the cache
MOST_GROUPS = 16  # limits the size of the graph: about 25 operators per group
COLUMNS = 32  # that a matrix kernel computes at once (AVX-512)


def attend_in_groups(qkv: Tensor, num_heads: int, weights: Tensor | None = None) -> Tensor:
    """As `linear.attend`, for queries, keys and values (B, 3 * N, H, T) in one tensor."""
    group = group_size(num_heads, *qkv.shape[-2:])
    dtype, qkv = qkv.dtype, ops.cast(qkv, "float32")
    outputs = []
    for start in range(0, num_heads, group):
        query, key, value = (
            qkv[:, part * num_heads + start : part * num_heads + start + group] for part in range(3)
        )  # (B, G, H, T)
        outputs.append(_attend(query, key, value, weights))
    return ops.cast(concatenate(outputs, axis=1), dtype)


def group_size(num_heads: int, head_dim: int, tokens: int) -> int:
    """`largest_group` with at most GROUP_BYTES of lifted keys and MOST_GROUPS groups."""
    return largest_group(num_heads, 4 * (head_dim + 1) * tokens, GROUP_BYTES, MOST_GROUPS)


def _attend(query, key, value, weights):
    """As `linear.attend`, for (B, G, H, T).

    A panel holds as many heads as fit into the columns of a matrix kernel. The products of the
    values of one head with the keys of another are set to 0.
    """
    _, group, width, tokens = query.shape
    panel = max(p for p in divisors(group) if p == 1 or p * (width + 1) <= COLUMNS)
    key, value, query = (
        ops.reshape(x, (-1, group // panel, panel * (width + 1), tokens))
        for x in (*lifted_key_and_value(key, value, weights), lifted_query(query))
    )
    products = ops.matmul(value, ops.swapaxes(key, -1, -2))  # (B, G / P, P(H + 1), P(H + 1))
    if panel > 1:
        products = products * ops.convert_to_tensor(_own_products(width, panel))
    outputs = ops.reshape(ops.matmul(products, query), (-1, group, width + 1, tokens))
    return outputs[..., :-1, :] / outputs[..., -1:, :]


def _own_products(head_dim: int, panel: int) -> Array:
    """1 where a value meets a key of its own head, else 0: (P(H + 1), P(H + 1))."""
    return np.kron(np.eye(panel), np.ones((head_dim + 1, head_dim + 1))).astype("float32")
