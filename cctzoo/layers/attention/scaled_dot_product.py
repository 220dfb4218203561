"""Scaled dot-product attention, with a form for each backend that does not store all scores.

With 64 heads on 256 tokens, the scores of a batch of 32 are 0.5 GB in float32, and plain
attention keeps several arrays of that size for the backward pass. The fused forms go
through tiles (some heads of some samples), and compute each tile again in the backward pass.

Letters: B batch, N heads, T tokens, H head width.
"""

import math

import keras
from keras import ops

from cctzoo.layers.functional import BACKEND, MASKED

if BACKEND == "jax":
    import jax
    import jax.numpy as jnp
elif BACKEND == "tensorflow":
    import tensorflow as tf
elif BACKEND == "torch":
    import torch

# Bytes of float32 scores in one tile, with 64 heads on 256 tokens and 2 cores: the fastest of
# 0.25, 1 and 4 MiB (JAX) and of 0.25 to 16 (TensorFlow); 1 and 4 are equal under PyTorch. On a
# GPU a tile is to fill the device (not measured).
CPU_TILE_BYTES = {"jax": 4 << 20, "tensorflow": 16 << 20, "torch": 4 << 20}
GPU_TILE_BYTES = 256 << 20


def attend(
    query,
    key,
    value,
    mask=None,
    dropout=0.0,
    seed_generator=None,
    implementation="auto",
    training=False,
):
    """Average of the values, weighted by softmax(query . key / sqrt(H)).

    Args:
        query, key, value: (B, N, T, H); T is static, B may be unknown under TensorFlow.
        mask: boolean, True where a key may be attended: (B, T) or (B, T, T).
        dropout: rate to apply to the scores now, in [0, 1); 0 in inference.
        seed_generator: `keras.random.SeedGenerator`, needed if `dropout` is above 0.
        implementation: `"plain"`, `"fused"`, or `"auto"`: the leaner one for the backend.
        training: whether a gradient follows. TensorFlow's `"auto"` is plain otherwise, so
            that an exported graph holds neither loops nor 5-D tensors.

    Returns: (B, N, T, H), in the dtype of `value`.

    Raises:
        ValueError: if `implementation` is unknown, or dropout has no seed generator.
    """
    if implementation not in ("auto", "plain", "fused"):
        raise ValueError(
            '`implementation` must be "auto", "plain" or "fused". '
            f"Received: implementation={implementation!r}"
        )
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
    return FUSED[BACKEND](query, key, value, mask_bias(mask), dropout, seed)


def plain_scores(query, key, mask=None):
    """Softmaxed scores, (B, N, T, T) in float32 whatever the dtype of query and key."""
    return _softmax_scores(query, key, mask_bias(mask))


def _softmax_scores(query, key, bias):
    query = query * query.shape[-1] ** -0.5
    scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))  # (B, N, T, T)
    scores = ops.cast(scores, "float32")
    return ops.softmax(scores if bias is None else scores + bias, axis=-1)


def mask_bias(mask):
    """(B, T) or (B, T, T) -> (B, 1, 1 or T, T), to be added to the scores; None stays None."""
    if mask is None:
        return None
    mask = ops.expand_dims(mask, 1)
    if len(mask.shape) == 3:
        mask = ops.expand_dims(mask, 1)
    return ops.where(mask, 0.0, MASKED)


def _choose(query, dropout, training):
    """The leaner implementation; on one device, only TensorFlow's plain is ever as good."""
    if BACKEND == "jax" and keras.distribution.distribution() is not None:
        return "plain"  # a loop over samples would gather the batch that is spread over devices
    if BACKEND != "tensorflow" or dropout:
        return "fused"
    _, heads, tokens, _ = query.shape
    # Per sample, training, tiled / plain: 0.75 / 0.59 at 1 MiB, 1.15 / 1.59 at 4 MiB (in 0.1 s).
    return "fused" if training and 4 * heads * tokens**2 >= 4 << 20 else "plain"


def _can_fuse(x):
    """False for shape inference under PyTorch and for a symbolic batch under JAX (export)."""
    if BACKEND == "torch":
        return x.device.type != "meta"
    return BACKEND == "tensorflow" or (BACKEND == "jax" and isinstance(x.shape[0], int))


def _tile_shape(x, on_gpu):
    """(samples, heads) of a tile, divisors of B and N; several samples only with all heads."""
    batch, heads, tokens, _ = x.shape
    budget = GPU_TILE_BYTES if on_gpu else CPU_TILE_BYTES[BACKEND]
    room = max(1, budget // (4 * tokens * tokens))  # heads that fit
    if room < heads or batch is None:
        return 1, max(n for n in range(1, min(room, heads) + 1) if heads % n == 0)
    return max(n for n in range(1, min(room // heads, batch) + 1) if batch % n == 0), heads


def _drop(scores, keep, rate):
    return scores if keep is None else ops.where(keep, scores * (1 / (1 - rate)), 0.0)


def _jax(query, key, value, bias, rate, seed):
    samples, heads = _tile_shape(query, jax.default_backend() != "cpu")
    tiles_per_bias = query.shape[1] // heads
    queries, keys, values = (
        x.reshape(-1, samples, heads, *x.shape[2:]) for x in (query, key, value)
    )
    if bias is not None:
        bias = bias.reshape(-1, samples, *bias.shape[1:])

    @jax.checkpoint
    def attend_tile(tile):
        # Scores as (keys, queries): on a CPU, XLA vectorises sums over the first of the two.
        index, query, key, value = tile
        query = query * query.shape[-1] ** -0.5
        scores = jnp.matmul(key, query.swapaxes(-1, -2)).astype("float32")
        if bias is not None:
            scores += bias[index // tiles_per_bias].swapaxes(-1, -2)
        scores = jnp.exp(scores - jax.lax.stop_gradient(scores.max(-2, keepdims=True)))
        total = scores.sum(-2, keepdims=True)
        if rate:
            keep = _hash(jax.random.fold_in(seed, index), scores.shape) >= jnp.uint32(rate * 2**32)
            scores = _drop(scores, keep, rate)
        mean = jnp.matmul(value.swapaxes(-1, -2), scores.astype(value.dtype))
        return (mean / total).astype(value.dtype).swapaxes(-1, -2)

    tiles = (jnp.arange(len(queries)), queries, keys, values)
    return jax.lax.map(attend_tile, tiles).reshape(query.shape)


def _hash(seed, shape):
    """Random uint32 per position: lowbias32 of a counter (step: 0.55 s; with threefry 1.39)."""
    x = jnp.arange(math.prod(shape), dtype="uint32").reshape(shape)
    x = (x ^ seed[0]) * jnp.uint32(0x7FEB352D) + seed[1]
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)


def _tensorflow(query, key, value, bias, rate, seed):
    # XLA aside, only the number of samples may be unknown: a tile is one sample or less.
    heads = _tile_shape(query, bool(tf.config.list_logical_devices("GPU")))[1]
    tiles_per_bias = query.shape[1] // heads
    tile_shape = (1, heads, *query.shape[2:])
    seed = None if seed is None else tf.cast(seed, "int32")

    def attend_tile(index, query, key, value):
        tile_bias = None if bias is None else bias[index // tiles_per_bias]
        scores = _softmax_scores(query, key, tile_bias)
        if rate:
            tokens = query.shape[-2]
            bits = tf.random.stateless_uniform(
                (1, heads, tokens, (tokens + 1) // 2),  # two of 16 bits in each
                tf.random.fold_in(seed, index),
                minval=None,
                maxval=None,
                dtype="int32",
            )
            bits = tf.reshape(tf.bitcast(bits, "uint16"), (1, heads, tokens, -1))
            keep = bits[..., :tokens] >= tf.constant(int(rate * 2**16), "uint16")
            scores = _drop(scores, keep, rate)
        return tf.matmul(tf.cast(scores, value.dtype), value)

    def backward_tile(index, query, key, value, upstream):
        with tf.GradientTape() as tape:
            tape.watch((query, key, value))
            heads = attend_tile(index, query, key, value)
        return tuple(tape.gradient(heads, (query, key, value), upstream))

    def map_tiles(function, *inputs):
        tiles = [tf.reshape(x, (-1, *tile_shape)) for x in inputs]
        results = tf.map_fn(
            lambda tile: function(*tile),
            (tf.range(tf.shape(tiles[0])[0]), *tiles),
            fn_output_signature=(value.dtype,) * 3 if function is backward_tile else value.dtype,
            parallel_iterations=4,
        )
        return tf.nest.map_structure(lambda x: tf.reshape(x, tf.shape(query)), results)

    @tf.custom_gradient
    def attend_tiles(query, key, value):
        def backward(upstream):
            return map_tiles(backward_tile, query, key, value, upstream)

        return map_tiles(attend_tile, query, key, value), backward

    return attend_tiles(query, key, value)


def _torch(query, key, value, bias, rate, seed):
    attention = torch.nn.functional.scaled_dot_product_attention
    if bias is not None:
        bias = bias.clamp(min=torch.finfo(query.dtype).min).to(query.dtype)
    if not rate:
        return attention(query, key, value, bias)
    seed = (int(seed[0]) ^ (int(seed[1]) * 0x9E3779B1)) & 0xFFFFFFFF  # 32 bits count on a CPU
    if query.device.type == "cuda":
        with torch.random.fork_rng([query.device]):
            torch.cuda.manual_seed(seed)
            return attention(query, key, value, bias, dropout_p=rate)
    return _TorchTiles.apply(query, key, value, bias, rate, seed)  # SDPA would store all scores


if BACKEND == "torch":

    class _TorchTiles(torch.autograd.Function):
        """Tiles with dropout; the gradient is written out, so that buffers can be reused."""

        @staticmethod
        def forward(ctx, query, key, value, bias, rate, seed):
            output = torch.empty(value.shape, dtype=value.dtype, device=value.device)
            ctx.save_for_backward(query, key, value, output, bias)
            ctx.rate, ctx.seed = rate, seed
            for tile in _torch_tiles((query, key, value, output), bias, rate, seed):
                scores, keep, _, _, _, value, output_tile = tile
                kept = scores.mul_(keep).to(value.dtype)
                output_tile.copy_(torch.matmul(kept, value).div_(1 - rate))
            return output

        @staticmethod
        def backward(ctx, upstream):
            query, key, value, output, bias = ctx.saved_tensors
            inputs = (query, key, value, output, upstream)
            results = [torch.empty(x.shape, dtype=x.dtype, device=x.device) for x in inputs[:3]]
            for tile in _torch_tiles((*inputs, *results), bias, ctx.rate, ctx.seed):
                scores, keep, spare, query, key, value, output, upstream = tile[:8]
                mean = (output.float() * upstream.float()).sum(-1, keepdim=True)  # dP . P
                upstream = upstream / (1 - ctx.rate)
                kept = torch.mul(scores, keep, out=spare).to(value.dtype)  # (R, T, T)
                tile[10].copy_(torch.matmul(kept.transpose(1, 2), upstream))
                d_scores = _scores_into(spare, upstream, value)
                d_scores = d_scores.mul_(keep).sub_(mean).mul_(scores).to(value.dtype)
                scale = query.shape[-1] ** -0.5
                tile[8].copy_(torch.matmul(d_scores, key).mul_(scale))
                tile[9].copy_(torch.matmul(d_scores.transpose(1, 2), query).mul_(scale))
            return *results, None, None, None


def _torch_tiles(arrays, bias, rate, seed):
    """Yields softmaxed scores, keep and a spare buffer, (R, T, T), and the arrays' (R, T, H)."""
    query = arrays[0]
    samples, heads = _tile_shape(query, query.device.type != "cpu")
    tiles_per_bias = query.shape[1] // heads
    tokens, width = query.shape[2:]
    buffer = torch.empty(2, samples * heads, tokens, tokens, device=query.device)
    bits = torch.empty((buffer[0].numel() + 3) // 4, dtype=torch.int64, device=query.device)
    if bias is not None:
        bias = bias.reshape(-1, samples, *bias.shape[1:])
    generator = torch.Generator(query.device).manual_seed(seed)  # the same order both times
    arrays = [x.reshape(-1, samples * heads, tokens, width) for x in arrays]
    for index, tile in enumerate(zip(*arrays, strict=True)):
        scores = _scores_into(buffer[0], tile[0] * width**-0.5, tile[1])
        if bias is not None:
            scores.view(samples, heads, tokens, tokens).add_(bias[index // tiles_per_bias])
        torch.softmax(scores, -1, out=buffer[1])
        bits.random_(-(2**63), None, generator=generator)  # four numbers of 16 bits in each
        keep = bits.view(torch.int16)[: scores.numel()].view(scores.shape)
        yield buffer[1], keep >= int(rate * 2**16) - 2**15, buffer[0], *tile


def _scores_into(out, a, b):
    """a b' in the dtype of a and b, into the float32 buffer `out`."""
    b = b.transpose(1, 2)
    return torch.matmul(a, b, out=out) if a.dtype == out.dtype else out.copy_(torch.matmul(a, b))


FUSED = {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}
