"""Scaled dot-product attention as it is written in the paper, with all scores stored.

Letters: B batch, N heads, T tokens, H head width.
"""

from keras import ops

from cctzoo.layers.functional import MASKED
from cctzoo.typing import Tensor


def plain_scores(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(query . key / sqrt(H)): (B, N, T, T), in float32 whatever the dtype of the input.

    Args:
        query, key: (B, N, T, H).
        mask: boolean, True where a key may be attended to: (B, T) or (B, T, T).
    """
    return softmax_scores(query, key, mask_bias(mask))


def softmax_scores(query: Tensor, key: Tensor, bias: Tensor | None) -> Tensor:
    """As `plain_scores`, with what `mask_bias` returns in place of the mask."""
    query = query * query.shape[-1] ** -0.5
    scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))  # (B, N, T, T)
    scores = ops.cast(scores, "float32")
    return ops.softmax(scores if bias is None else scores + bias, axis=-1)


def mask_bias(mask: Tensor | None) -> Tensor | None:
    """The mask as a term of the scores: (B, T) or (B, T, T) -> (B, 1, 1 or T, T).

    None stays None.
    """
    if mask is None:
        return None
    mask = ops.expand_dims(mask, 1)
    if len(mask.shape) == 3:
        mask = ops.expand_dims(mask, 1)
    return ops.where(mask, 0.0, MASKED)
