"""Polynomial attention without scores, in time linear in the number of tokens.

The square of a product is a product of features. With phi(x) the products of two components of
(x, |x|), of which there are F = (H + 1) (H + 2) / 2, 15 at width 4, and c their coefficients,

    products = sum_j [v_j, 1] (c phi(k_j))^T    (H + 1, F)
    outputs = products phi(q)                   (H + 1, T)
    heads = outputs[:H] / outputs[H]

so that the cost falls as the heads become narrower.

Letters: B batch, N heads, H head width, T tokens, F features. The tokens are the last axis, so
that the narrow axis lies in the rows of a matrix kernel.
"""

import functools

import numpy as np
from keras import ops

from cctzoo.layers.attention.implementations import check_implementation
from cctzoo.layers.attention.polynomial.kernel import FLOOR, kernel_values, with_length, with_ones
from cctzoo.layers.functional import BACKEND
from cctzoo.typing import Array, Tensor

if BACKEND == "torch":
    from cctzoo.layers.attention.polynomial.torch import attend_in_tiles


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    weights: Tensor | None = None,
    implementation: str = "auto",
) -> Tensor:
    """Average of the values, weighted by the polynomial kernel.

    Args:
        query, key, value: (B, N, H, T).
        weights: of the keys, as `key_weights` returns them.
        implementation: `"plain"` (stores all scores), `"fused"` (linear in T) or `"auto"`: the
            one with fewer operations.

    Returns:
        (B, N, H, T), in the dtype of `value`.

    Raises:
        ValueError: if `implementation` is unknown, or `"fused"` while the queries have different
            keys.
    """
    check_implementation(implementation)
    if implementation == "fused" and not _has_one_row(weights):
        raise ValueError(
            "Fused polynomial attention needs one mask (B, T) for all queries. "
            f"Received: a mask of shape {(*weights.shape[:1], *weights.shape[2:])}"
        )
    parts = [ops.cast(x, "float32") for x in (query, key, value)]
    fused = implementation == "fused" or is_linear(*value.shape[-2:], weights)
    if implementation == "plain" or not fused:
        heads = _attend_by_scores(*parts, weights)
    elif BACKEND == "torch" and value.device.type != "meta":  # meta: shape inference
        heads = attend_in_tiles(*parts, weights)
    else:
        heads = _attend_by_features(*parts, weights)
    return ops.cast(heads, value.dtype)


def _attend_by_scores(query, key, value, weights):
    """As `attend`, with all scores; divided after the average, which is smaller."""
    values = kernel_values(query, key)  # (B, N, T, T)
    if weights is not None:
        values = values * weights
    outputs = ops.matmul(with_ones(value, None), ops.swapaxes(values, -1, -2))
    return outputs[..., :-1, :] / outputs[..., -1:, :]


def is_linear(head_dim: int, tokens: int | None, weights: Tensor | None = None) -> bool:
    """Whether the linear form is possible and takes fewer multiply-accumulates than the scores.

    An unknown number of tokens counts as many.

    Args:
        head_dim, tokens: H and T.
        weights: of the keys, as `key_weights` returns them.
    """
    if not _has_one_row(weights):
        return False
    return tokens is None or count_features(head_dim) * (head_dim + 1) < tokens * head_dim


def _has_one_row(weights):
    """Whether all queries of a head have the same keys."""
    return weights is None or weights.shape[-2] == 1


def count_features(head_dim: int) -> int:
    """Number F of features of a query or key."""
    return (head_dim + 1) * (head_dim + 2) // 2


def _attend_by_features(query, key, value, weights):
    """As `attend`, in the linear form."""
    value = with_ones(value, weights)  # (B, N, H + 1, T)
    coefficients = ops.convert_to_tensor(feature_coefficients(key.shape[-2]))
    products = ops.matmul(value, ops.swapaxes(selected_products(key), -1, -2))  # (.., H + 1, F)
    outputs = ops.matmul(products * coefficients, selected_products(query))  # (.., H + 1, T)
    return outputs[..., :-1, :] / outputs[..., -1:, :]


def feature_pairs(head_dim: int) -> list[tuple[int, int]]:
    """The indices of the two components of (x, |x|) whose product is each feature."""
    own = [(a, b) for a in range(head_dim) for b in range(a, head_dim)]
    return own + [(a, head_dim) for a in range(head_dim + 1)]


def feature_coefficients(head_dim: int) -> Array:
    """How often each feature occurs in the kernel, (F,): twice, a square once."""
    coefficients = [1.0 if a == b else 2.0 for a, b in feature_pairs(head_dim)]
    coefficients[-1] += FLOOR
    return np.array(coefficients, "float32")


def selected_products(x: Tensor) -> Tensor:
    """(..., H, T) -> features (..., F, T). Selecting by a matrix has a fast gradient."""
    lifted = with_length(x)  # (..., H + 1, T)
    first, second = map(ops.convert_to_tensor, _selections(x.shape[-2]))
    return ops.matmul(first, lifted) * ops.matmul(second, lifted)


@functools.cache
def _selections(head_dim):
    """Two matrices (F, H + 1): of the first and of the second factor of each feature."""
    rows = np.eye(head_dim + 1, dtype="float32")
    return tuple(rows[list(indices)] for indices in zip(*feature_pairs(head_dim), strict=True))
