"""The kernel of polynomial attention, and its scores as they are written in the formula.

The weight of a key k for a query q is

    w = |k|^3 ((1 + FLOOR) |q| |k| + q . k)  =  |q| |k|^4 (1 + FLOOR + cos)

with the cosine of the angle between them. The length of the query cancels in the average; the
length of the key says how much its token counts.

Letters: B batch, N heads, H head width, T tokens. The tokens are the last axis.
"""

import keras
from keras import ops

from cctzoo.typing import Tensor

# Of the square of a length. Keys of length 0 all count alike, and so does every direction of a
# query of length 0. The gradient of a length stays finite.
LENGTH_EPSILON = 1e-6
# Relative to the weight at a right angle. A query whose keys all point away from it would
# otherwise divide rounding errors by each other.
FLOOR = 0.01


def squared_length(x: Tensor) -> Tensor:
    """(..., H, T) -> (..., 1, T)."""
    return ops.sum(x * x, axis=-2, keepdims=True) + LENGTH_EPSILON


def lifted_query(query: Tensor) -> Tensor:
    """(q, (1 + FLOOR) |q|): (..., H, T) -> (..., H + 1, T)."""
    length = (1 + FLOOR) * ops.sqrt(squared_length(query))
    return ops.concatenate([query, length], axis=-2)


def lifted_key(key: Tensor) -> tuple[Tensor, Tensor]:
    """(k, |k|), and the gain |k|^3 of the key: (..., H, T) -> (..., H + 1, T), (..., 1, T)."""
    square = squared_length(key)
    length = ops.sqrt(square)
    return ops.concatenate([key, length], axis=-2), square * length


def polynomial_scores(query: Tensor, key: Tensor, weights: Tensor | None = None) -> Tensor:
    """The kernel's values for each query, divided by their sum: (B, N, T, T) in float32.

    Args:
        query, key: (B, N, H, T).
        weights: of the keys, as `key_weights` returns them.
    """
    query, key = (ops.cast(x, "float32") for x in (query, key))
    key, gain = lifted_key(key)
    values = ops.matmul(ops.swapaxes(lifted_query(query), -1, -2), key) * gain
    if weights is not None:
        values = values * weights
    return values / ops.sum(values, axis=-1, keepdims=True)


def key_weights(
    mask: Tensor | None,
    dropout: float = 0.0,
    seed_generator: keras.random.SeedGenerator | None = None,
    shape: tuple[int, ...] | None = None,
) -> Tensor | None:
    """0 for the keys that are left out, equal positive numbers for the others of a row.

    A row that leaves out every key gets the average over the keys of the mask, or over all.

    Args:
        mask: boolean, True where a key may be attended to: (B, T) or (B, T, T).
        dropout: rate at which a head loses a key, in [0, 1).
        seed_generator: gives the seed of the dropout; required if `dropout` is above 0.
        shape: (B, N, 1, T), of the dropped keys.

    Returns:
        (B, 1 or N, 1 or T, T) in float32, or None if no key is left out.

    Reference for dropped keys: Li et al., "DropKey", arXiv 2208.02646.
    """
    weights = None
    if mask is not None:
        weights = ops.cast(mask, "float32")
        weights = weights[:, None, None] if len(weights.shape) == 2 else weights[:, None]
        # In float32, as the rest of an exported graph: a row without keys becomes a row of ones.
        weights = weights + (1 - ops.max(weights, axis=-1, keepdims=True))
    if dropout:
        all_keys = ops.ones(shape) if weights is None else weights
        kept = all_keys * keras.random.dropout(ops.ones(shape), dropout, seed=seed_generator)
        weights = ops.where(ops.max(kept, axis=-1, keepdims=True) > 0, kept, all_keys)
    return weights
