"""Attention under PyTorch: its own fused form, or tiles for dropout on a CPU."""

from collections.abc import Iterator
from typing import NamedTuple

import torch

from cctzoo.layers.attention.tiles import tile_shape

# Scores of a batch that take at most this much are kept for the gradient. Larger ones, and the
# random numbers of their dropout, are computed again.
KEPT_BYTES = 16 << 20
GOLDEN = 0x9E3779B1  # a prime next to 2**32 / golden ratio: spreads the bits of a factor (Knuth)


def attend_tiles(query, key, value, bias, rate, seed):
    """As `scaled_dot_product.attend`, with the bias of the mask and the seed of the dropout."""
    attention = torch.nn.functional.scaled_dot_product_attention
    if bias is not None:
        bias = bias.clamp(min=torch.finfo(query.dtype).min).to(query.dtype)
    if not rate:
        return attention(query, key, value, bias)
    mixed = int(seed[0]) ^ (int(seed[1]) * GOLDEN)
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        mixed += torch.distributed.get_rank() << 16  # other scores than in the other processes
    mixed &= 0xFFFFFFFF  # a CPU reads only 32 bits
    if query.device.type == "cuda":
        with torch.random.fork_rng([query.device]):
            torch.cuda.manual_seed(mixed)
            return attention(query, key, value, bias, dropout_p=rate)
    # On a CPU, PyTorch's own attention with dropout would store all scores.
    return _Tiles.apply(query, key, value, bias, rate, mixed)


class _Tiles(torch.autograd.Function):
    """Tiles with dropout; the gradient is written out, so that buffers can be reused."""

    @staticmethod
    def forward(ctx, query, key, value, bias, rate, seed):
        output = torch.empty(value.shape, dtype=value.dtype, device=value.device)
        ctx.save_for_backward(query, key, value, output, bias)
        ctx.rate, ctx.seed, ctx.kept = rate, seed, []
        for tile in _tiles(_Arrays(query, key, value, output), bias, rate, seed, ctx.kept):
            kept = torch.mul(tile.scores, tile.keep, out=tile.spare).to(value.dtype)
            tile.arrays.output.copy_(torch.matmul(kept, tile.arrays.value).div_(1 - rate))
        return output

    @staticmethod
    def backward(ctx, upstream):
        query, key, value, output, bias = ctx.saved_tensors
        gradients = [torch.empty(x.shape, dtype=x.dtype, device=x.device) for x in (query, key)]
        gradients.append(torch.empty(value.shape, dtype=value.dtype, device=value.device))
        arrays = _Arrays(query, key, value, output, upstream, *gradients)
        for scores, keep, spare, part in _tiles(arrays, bias, ctx.rate, ctx.seed, ctx.kept):
            mean = (part.output.float() * part.upstream.float()).sum(-1, keepdim=True)  # dP . P
            upstream = part.upstream / (1 - ctx.rate)
            kept = torch.mul(scores, keep, out=spare).to(value.dtype)  # (R, T, T)
            part.d_value.copy_(torch.matmul(kept.transpose(1, 2), upstream))
            d_scores = _matmul_into(spare, upstream, part.value)
            d_scores = d_scores.mul_(keep).sub_(mean).mul_(scores).to(value.dtype)
            scale = query.shape[-1] ** -0.5
            part.d_query.copy_(torch.matmul(d_scores, part.key).mul_(scale))
            part.d_key.copy_(torch.matmul(d_scores.transpose(1, 2), part.query).mul_(scale))
        return *gradients, None, None, None


class _Arrays(NamedTuple):
    """Arrays of one call, (B, N, T, H), or of one tile, (R, T, H) with R samples times heads."""

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    output: torch.Tensor
    upstream: torch.Tensor | None = None  # from here on: of the backward pass only
    d_query: torch.Tensor | None = None
    d_key: torch.Tensor | None = None
    d_value: torch.Tensor | None = None


class _Tile(NamedTuple):
    scores: torch.Tensor  # (R, T, T), after softmax
    keep: torch.Tensor  # (R, T, T) boolean: scores that dropout keeps
    spare: torch.Tensor  # (R, T, T), a buffer
    arrays: _Arrays


def _tiles(arrays: _Arrays, bias, rate, seed, kept) -> Iterator[_Tile]:
    """Yields each tile with its scores.

    `kept` is a list of (scores, keep) of each tile. The first pass fills it if the scores of the
    batch are few, and the second pass reads it. Otherwise the buffers are the same for all tiles.
    """
    query = arrays.query
    samples, heads = tile_shape(query, query.device.type != "cpu")
    tokens, width = query.shape[2:]
    few = 4 * query[..., 0].numel() * tokens <= KEPT_BYTES
    buffer = torch.empty(2 - few, samples * heads, tokens, tokens, device=query.device)
    given = [x.reshape(-1, samples * heads, tokens, width) for x in arrays if x is not None]
    parts = map(_Arrays, *given)
    if kept:
        for part, (scores, keep) in zip(parts, kept, strict=True):
            yield _Tile(scores, keep, buffer[0], part)
        return
    bits = torch.empty((buffer[0].numel() + 3) // 4, dtype=torch.int64, device=query.device)
    tiles_per_bias = query.shape[1] // heads
    if bias is not None:
        bias = bias.reshape(-1, samples, *bias.shape[1:])
    # The same seed and order in both passes: the same dropout.
    generator = torch.Generator(query.device).manual_seed(seed)
    for index, part in enumerate(parts):
        scores = _matmul_into(buffer[0], part.query * width**-0.5, part.key)
        if bias is not None:
            scores.view(samples, heads, tokens, tokens).add_(bias[index // tiles_per_bias])
        scores = torch.softmax(scores, -1, out=None if few else buffer[1])
        bits.random_(-(2**63), None, generator=generator)  # four numbers of 16 bits in each
        keep = bits.view(torch.int16)[: scores.numel()].view(scores.shape)
        keep = keep >= int(rate * 2**16) - 2**15
        if few:
            kept.append((scores, keep))
        yield _Tile(scores, keep, buffer[0], part)


def _matmul_into(out, a, b):
    """a b' in the dtype of a and b, into the float32 buffer `out`."""
    b = b.transpose(1, 2)
    return torch.matmul(a, b, out=out) if a.dtype == out.dtype else out.copy_(torch.matmul(a, b))
