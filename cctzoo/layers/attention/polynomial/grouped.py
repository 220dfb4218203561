"""Polynomial attention in exported graphs: one group of heads at a time.

The order of operations was found by timing LiteRT on a CPU (`docs/benchmarks.md` lists the
alternatives): the features of a group fit into the processor's cache, and none of them is
computed by a product with a constant, which an int8 graph would quantise.

Letters: B batch, N heads, H head width, T tokens, F features.
"""

from keras import ops

from cctzoo.layers.attention.grouped import concatenate
from cctzoo.layers.attention.polynomial.kernel import with_length
from cctzoo.layers.attention.polynomial.linear import attend_by_features, count_features
from cctzoo.typing import Tensor

GROUP_BYTES = 128 << 10  # of the features of one group, in float32
MOST_GROUPS = 16  # limits the size of the graph: about 30 operators per group


def attend_in_groups(qkv: Tensor, num_heads: int, weights: Tensor | None = None) -> Tensor:
    """As `linear.attend`, for queries, keys and values (B, 3 * N, H, T) in one tensor."""
    group = group_size(num_heads, *qkv.shape[-2:])
    dtype, qkv = qkv.dtype, ops.cast(qkv, "float32")
    outputs = []
    for start in range(0, num_heads, group):
        query, key, value = (
            qkv[:, part * num_heads + start : part * num_heads + start + group] for part in range(3)
        )  # (B, group, H, T)
        outputs.append(attend_by_features(query, key, value, weights, sliced_products))
    return ops.cast(concatenate(outputs, axis=1), dtype)


def group_size(num_heads: int, head_dim: int, tokens: int) -> int:
    """The largest divisor of N with at most GROUP_BYTES of features and MOST_GROUPS groups.

    If none has so few bytes: the smallest one with at most MOST_GROUPS groups.
    """
    sizes = [size for size in range(1, num_heads + 1) if num_heads % size == 0]
    sizes = [size for size in sizes if num_heads // size <= MOST_GROUPS]
    head_bytes = 4 * count_features(head_dim) * tokens
    return max((size for size in sizes if size * head_bytes <= GROUP_BYTES), default=sizes[0])


def sliced_products(x: Tensor) -> Tensor:
    """As `linear.selected_products`, by slices: each component times itself and those after it."""
    lifted = with_length(x)  # (B, N, H + 1, T)
    products = [x[..., i:, :] * x[..., i : i + 1, :] for i in range(x.shape[-2])]
    return concatenate([*products, lifted * lifted[..., -1:, :]], axis=-2)
