"""Polynomial attention in exported graphs: one group of heads at a time.

The order of operations was found by timing LiteRT on a CPU (`docs/benchmarks.md` lists the
alternatives): the features of a group fit into the processor's cache, and none of them is
computed by a product with a constant, which an int8 graph would quantise.

Letters: B batch, N heads, G heads of a group, P heads of a panel, T tokens, H head width,
F features.
"""

import numpy as np
from keras import ops

from cctzoo.layers.attention.grouped import concatenate
from cctzoo.layers.attention.polynomial.kernel import with_length, with_ones
from cctzoo.layers.attention.polynomial.linear import count_features, feature_coefficients
from cctzoo.typing import Array, Tensor

GROUP_BYTES = 256 << 10  # of the features of one group, in float32
MOST_GROUPS = 16  # limits the size of the graph: about 30 operators per group
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
        outputs.append(_attend(query, key, with_ones(value, weights)))
    return ops.cast(concatenate(outputs, axis=1), dtype)


def group_size(num_heads: int, head_dim: int, tokens: int) -> int:
    """The largest divisor of N with at most GROUP_BYTES of features and MOST_GROUPS groups.

    If none has so few bytes: the smallest one with at most MOST_GROUPS groups.
    """
    sizes = [size for size in _divisors(num_heads) if num_heads // size <= MOST_GROUPS]
    head_bytes = 4 * count_features(head_dim) * tokens
    return max((size for size in sizes if size * head_bytes <= GROUP_BYTES), default=sizes[0])


def _attend(query, key, value):
    """As `linear.attend`, for the values and ones (B, G, H + 1, T).

    A panel holds the features of as many heads as fit into the columns of a matrix kernel. The
    products of the values of one head with the features of another are set to 0.
    """
    _, group, width, tokens = query.shape
    panel = max(p for p in _divisors(group) if p == 1 or p * count_features(width) <= COLUMNS)
    value, of_key, of_query = (
        ops.reshape(x, (-1, group // panel, panel * x.shape[2], tokens))
        for x in (value, sliced_products(key), sliced_products(query))
    )  # (B, G / P, P * (H + 1) or P * F, T)
    own = ops.convert_to_tensor(_own_products(width, panel))
    products = ops.matmul(value, ops.swapaxes(of_key, -1, -2)) * own
    outputs = ops.reshape(ops.matmul(products, of_query), (-1, group, width + 1, tokens))
    return outputs[..., :-1, :] / outputs[..., -1:, :]


def sliced_products(x: Tensor) -> Tensor:
    """As `linear.selected_products`, by slices: each component times itself and those after it."""
    lifted = with_length(x)  # (B, G, H + 1, T)
    products = [x[..., i:, :] * x[..., i : i + 1, :] for i in range(x.shape[-2])]
    return concatenate([*products, lifted * lifted[..., -1:, :]], axis=-2)


def _own_products(head_dim: int, panel: int) -> Array:
    """The coefficients where a value meets features of its own head, else 0: (P(H + 1), PF)."""
    rows = np.tile(feature_coefficients(head_dim), (head_dim + 1, 1))
    return np.kron(np.eye(panel, dtype="float32"), rows)


def _divisors(number: int) -> list[int]:
    return [size for size in range(1, number + 1) if number % size == 0]
