"""Attention under JAX: by cuDNN's fused kernel where it applies, else in tiles.

Neither stores all scores; the backward pass computes them again.
"""

import math

import jax
import jax.numpy as jnp

from cctzoo.layers.attention.tiles import tile_shape

# cuDNN's kernel is for 16-bit floats on GPUs from compute capability 8.0 on, for heads of these
# widths and an even number of tokens.
AMPERE, CUDNN_MULTIPLE, CUDNN_WIDEST = 8.0, 8, 128
# The scores of fewer tokens are small. Gradients of 64 heads of width 4 on 256 tokens, batch size
# 64, on an NVIDIA H200: 0.93 ms by the kernel, 2.13 ms in tiles.
CUDNN_TOKENS = 128


def attend_tiles(query, key, value, bias, rate, seed):
    """As `scaled_dot_product.attend`, with the bias of the mask and the seed of the dropout."""
    if bias is None and not rate and _has_cudnn_kernel(query):
        return _attend_by_cudnn(query, key, value)
    samples, heads = tile_shape(query, jax.default_backend() != "cpu")
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
            keep = _random_bits(jax.random.fold_in(seed, index), scores.shape)
            keep = keep >= jnp.uint32(rate * 2**32)
            scores = jnp.where(keep, scores * (1 / (1 - rate)), 0.0)
        mean = jnp.matmul(value.swapaxes(-1, -2), scores.astype(value.dtype))
        return (mean / total).astype(value.dtype).swapaxes(-1, -2)

    tiles = (jnp.arange(len(queries)), queries, keys, values)
    return jax.lax.map(attend_tile, tiles).reshape(query.shape)


def _has_cudnn_kernel(x):
    """Whether cuDNN's fused kernel computes queries (B, N, T, H) of this dtype and size."""
    device = jax.local_devices()[0]
    if "cuda" not in device.client.platform_version or float(device.compute_capability) < AMPERE:
        return False
    tokens, width = x.shape[2:]
    fits = x.dtype in (jnp.bfloat16, jnp.float16) and tokens % 2 == 0 and width <= CUDNN_WIDEST
    return fits and tokens >= CUDNN_TOKENS


def _attend_by_cudnn(query, key, value):
    """As `attend_tiles`, without mask and dropout. Narrow heads are padded with zeros."""
    width = query.shape[-1]
    padding = (0, 0), (0, 0), (0, 0), (0, -width % CUDNN_MULTIPLE)
    padded = (jnp.pad(x.swapaxes(1, 2), padding) for x in (query, key, value))
    heads = jax.nn.dot_product_attention(*padded, scale=width**-0.5, implementation="cudnn")
    return heads[..., :width].swapaxes(1, 2)


def _random_bits(seed, shape):
    """Random uint32 numbers: lowbias32 of a counter (a step in 0.55 s; 1.39 s with threefry).

    Reference: Chris Wellons, "Prospecting for Hash Functions", 2018 (lowbias32: the shifts
    16, 15, 16 and the two multipliers). The first line mixes the seed into the counter.
    """
    x = jnp.arange(math.prod(shape), dtype="uint32").reshape(shape)
    x = (x ^ seed[0]) * jnp.uint32(0x7FEB352D) + seed[1]
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)
