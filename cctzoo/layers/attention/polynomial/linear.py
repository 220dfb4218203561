"""Polynomial attention without scores, in time linear in the number of tokens.

With q~ = (q, 1.01 |q|) and k~ = (k, |k|), a weight is |k|^3 q~ . k~, so that

    products = sum_j |k_j|^3 [v_j, 1] k~_j^T    (H + 1, H + 1)
    outputs = products q~                       (H + 1, T)
    heads = outputs[:H] / outputs[H]

and the cost falls as the heads become narrower.

Letters: B batch, N heads, H head width, T tokens. The tokens are the last axis, so that the narrow
axis lies in the rows of a matrix kernel.
"""

from keras import ops

from cctzoo.layers.attention.implementations import check_implementation
from cctzoo.layers.attention.polynomial.kernel import (
    lifted_key,
    lifted_query,
    polynomial_scores,
)
from cctzoo.typing import Tensor


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
    dtype = value.dtype
    query, key, value = (ops.cast(x, "float32") for x in (query, key, value))
    fused = implementation == "fused" or is_linear(*value.shape[-2:], weights)
    if implementation == "plain" or not fused:
        scores = polynomial_scores(query, key, weights)
        heads = ops.matmul(value, ops.swapaxes(scores, -1, -2))
    else:
        key, value = lifted_key_and_value(key, value, weights)
        products = ops.matmul(value, ops.swapaxes(key, -1, -2))  # (B, N, H + 1, H + 1)
        outputs = ops.matmul(products, lifted_query(query))  # (B, N, H + 1, T)
        heads = outputs[..., :-1, :] / outputs[..., -1:, :]
    return ops.cast(heads, dtype)


def is_linear(head_dim: int, tokens: int | None, weights: Tensor | None = None) -> bool:
    """Whether the linear form is possible and takes fewer multiply-accumulates than the scores.

    An unknown number of tokens counts as many.

    Args:
        head_dim, tokens: H and T.
        weights: of the keys, as `key_weights` returns them.
    """
    if not _has_one_row(weights):
        return False
    return tokens is None or (head_dim + 1) ** 2 < tokens * head_dim


def _has_one_row(weights):
    """Whether all queries of a head have the same keys."""
    return weights is None or weights.shape[-2] == 1


def lifted_key_and_value(
    key: Tensor, value: Tensor, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """(k, |k|), and (v, 1) times the gain and the weight of the key: (..., H + 1, T) each."""
    key, gain = lifted_key(key)
    if weights is not None:
        gain = gain * weights
    return key, ops.concatenate([value * gain, gain], axis=-2)
