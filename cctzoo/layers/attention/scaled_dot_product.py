"""Scaled dot-product attention, plain or in a fused form that does not store all scores.

With 64 heads on 256 tokens, the scores of a batch of 32 take 0.5 GB in float32, and plain
attention keeps several arrays of that size for the backward pass. The fused forms, one for
each backend, work on tiles (some heads of some samples) and compute each tile again in the
backward pass.

Letters: B batch, N heads, T tokens, H head width.
"""

import keras
from keras import ops

from cctzoo.layers.attention.implementations import check_implementation
from cctzoo.layers.attention.reference import mask_bias, plain_scores
from cctzoo.layers.functional import BACKEND
from cctzoo.typing import Tensor

if BACKEND == "jax":
    from cctzoo.layers.attention.jax import attend_tiles
elif BACKEND == "tensorflow":
    from cctzoo.layers.attention.tensorflow import attend_tiles
elif BACKEND == "torch":
    from cctzoo.layers.attention.torch import attend_tiles

# Of one sample's scores. Seconds of a training step under TensorFlow, fused and plain: 0.075
# and 0.059 with 1 MiB of scores, 0.115 and 0.159 with 4 MiB.
LEAST_FUSED_BYTES = 4 << 20


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    dropout: float = 0.0,
    seed_generator: keras.random.SeedGenerator | None = None,
    implementation: str = "auto",
    training: bool = False,
) -> Tensor:
    """Average of the values, weighted by softmax(query . key / sqrt(H)).

    Args:
        query, key, value: (B, N, T, H). T is static; B may be unknown under TensorFlow.
        mask: boolean, True where a key may be attended to: (B, T) or (B, T, T). A query that
            may attend to no key gets the mean of the values.
        dropout: rate to apply to the scores in this call, in [0, 1); 0 for inference.
        seed_generator: gives the seed of the dropout; required if `dropout` is above 0.
        implementation: `"plain"` (stores all scores), `"fused"` (stores one tile of them), or
            `"auto"`: the one that needs less time and memory on the backend.
        training: whether a backward pass follows. Without one, TensorFlow's `"auto"` is
            `"plain"`, so that an exported graph holds neither loops nor 5-D tensors.

    Returns:
        (B, N, T, H), in the dtype of `value`.

    Raises:
        ValueError: if `implementation` is unknown, or if `dropout` has no `seed_generator`.
    """
    check_implementation(implementation)
    if dropout and seed_generator is None:
        raise ValueError(
            f"`dropout` needs a `seed_generator`. Received: dropout={dropout}, seed_generator=None"
        )
    if implementation == "auto":
        implementation = _choose(query, dropout, training)
    if implementation == "plain" or not _can_fuse(query):
        scores = plain_scores(query, key, mask)
        if dropout:
            scores = keras.random.dropout(scores, dropout, seed=seed_generator)
        return ops.matmul(ops.cast(scores, value.dtype), value)
    seed = seed_generator.next() if dropout else None
    return attend_tiles(query, key, value, mask_bias(mask), dropout, seed)


def _choose(query, dropout, training):
    """The leaner implementation. On one device, plain attention wins only under TensorFlow."""
    if BACKEND == "jax" and keras.distribution.distribution() is not None:
        return "plain"  # a loop over samples would gather a batch that is spread over devices
    if BACKEND != "tensorflow" or dropout:
        return "fused"
    _, heads, tokens, _ = query.shape
    return "fused" if training and 4 * heads * tokens**2 >= LEAST_FUSED_BYTES else "plain"


def _can_fuse(x):
    """False for shape inference under PyTorch and for a symbolic batch under JAX (export)."""
    if BACKEND == "torch":
        return x.device.type != "meta"
    return BACKEND == "tensorflow" or (BACKEND == "jax" and isinstance(x.shape[0], int))
