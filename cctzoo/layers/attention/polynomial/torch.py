"""Polynomial attention under PyTorch, in tiles; the backward pass computes the features again.

The features are ordered by the distance of their components: with z = (x, |x|) of L = H + 1
components, the block of shift s holds z_i z_((i + s) mod L). A block is a product of neighbouring
rows, which needs no copy, and no padding in the backward pass.

Letters: B batch, N heads, H head width, T tokens, F features; a tile has some samples and heads.
"""

import itertools

import torch

from cctzoo.layers.attention.polynomial.kernel import FLOOR, LENGTH_EPSILON
from cctzoo.layers.attention.tiles import tile_shape


def attend_in_tiles(query, key, value, weights):
    """As `linear.attend` in the linear form, for tensors in float32."""
    return _Attention.apply(query, key, value, weights)


class _Attention(torch.autograd.Function):
    """The gradient is written out, so that buffers can be reused."""

    @staticmethod
    def forward(ctx, query, key, value, weights):
        work = _Work(value)
        features = work.features.shape[-2]
        products = value.new_empty(*value.shape[:2], work.rows.shape[-2], features)
        sums = value.new_empty(*value.shape[:2], 1, value.shape[-1])
        heads = value.new_empty(value.shape)
        for tile in work.tiles:
            work.compute_features(key[tile])
            product = torch.matmul(work.with_ones(value, weights, tile), work.features.mT)
            products[tile] = product.mul_(work.coefficients)
            work.compute_features(query[tile])
            torch.matmul(product, work.features, out=work.rows)
            sums[tile] = work.rows[..., -1:, :]
            torch.div(work.rows[..., :-1, :], work.rows[..., -1:, :], out=heads[tile])
        ctx.save_for_backward(query, key, value, weights, heads, sums, products)
        return heads

    @staticmethod
    def backward(ctx, upstream):
        query, key, value, weights, heads, sums, products = ctx.saved_tensors
        d_query, d_key, d_value = (value.new_empty(x.shape) for x in (query, key, value))
        work = _Work(value)
        for tile in work.tiles:
            d_outputs = work.rows
            torch.div(upstream[tile], sums[tile], out=d_outputs[..., :-1, :])
            mean = (d_outputs[..., :-1, :] * heads[tile]).sum(-2)
            torch.neg(mean, out=d_outputs[..., -1, :])
            work.compute_features(query[tile])
            d_product = torch.matmul(d_outputs, work.features.mT).mul_(work.coefficients)
            torch.matmul(products[tile].mT, d_outputs, out=work.d_features)
            work.gradient(query[tile], out=d_query[tile])
            work.compute_features(key[tile])
            torch.matmul(d_product, work.features, out=work.rows)
            d_value[tile] = _weigh(work.rows, weights, tile)[..., :-1, :]
            values = work.with_ones(value, weights, tile)
            torch.matmul(d_product.mT, values, out=work.d_features)
            work.gradient(key[tile], out=d_key[tile])
        return d_query, d_key, d_value, None


class _Work:
    """The tiles of a call, and buffers of the size of one tile.

    Attributes:
        tiles: indices of the tiles in (B, N, ...).
        coefficients: of the features, (F,).
        features, d_features: (..., F, T).
        rows: (..., H + 1, T).
    """

    def __init__(self, value):
        batch, heads, width, tokens = value.shape
        self.segments = _segments(width + 1)
        coefficients = [
            1.0 if first == second else 2.0
            for first, second, rows in self.segments
            for _ in range(rows)
        ]
        coefficients[width] += FLOOR  # |x|^2 is the last feature of shift 0
        self.coefficients = value.new_tensor(coefficients)
        head_bytes = 4 * len(coefficients) * tokens
        samples, count = tile_shape(batch, heads, head_bytes, value.device.type != "cpu")
        self.tiles = [
            (slice(b, b + samples), slice(n, n + count))
            for b, n in itertools.product(range(0, batch, samples), range(0, heads, count))
        ]
        self.features, self.d_features = value.new_empty(
            2, samples, count, len(coefficients), tokens
        )
        self.rows, self.lifted, self.d_lifted, self.values = value.new_empty(
            4, samples, count, width + 1, tokens
        )

    def compute_features(self, x):
        """Fills `features` with those of x (..., H, T), and `lifted` with (x, |x|)."""
        self.lifted[..., :-1, :] = x
        length = self.lifted[..., -1, :]
        torch.sum(x * x, -2, out=length).add_(LENGTH_EPSILON).sqrt_()
        row = 0
        for first, second, rows in self.segments:
            factors = (self.lifted[..., i : i + rows, :] for i in (first, second))
            torch.mul(*factors, out=self.features[..., row : row + rows, :])
            row += rows

    def gradient(self, x, out):
        """The gradient of x, from `d_features`; x is that of the last `compute_features`."""
        self.d_lifted.zero_()
        row = 0
        for first, second, rows in self.segments:
            upstream = self.d_features[..., row : row + rows, :]
            for one, other in ((first, second), (second, first)):
                part = self.d_lifted[..., one : one + rows, :]
                part.addcmul_(upstream, self.lifted[..., other : other + rows, :])
            row += rows
        # |x|' = x / |x|
        ratio = self.d_lifted[..., -1:, :] / self.lifted[..., -1:, :]
        torch.addcmul(self.d_lifted[..., :-1, :], x, ratio, out=out)

    def with_ones(self, value, weights, tile):
        """The values of a tile and a row of ones, times the weights: (..., H + 1, T)."""
        self.values[..., :-1, :] = value[tile]
        self.values[..., -1, :] = 1
        return _weigh(self.values, weights, tile)


def _weigh(rows, weights, tile):
    """Multiplies rows (..., T) of a tile by weights (B, 1 or N, 1, T) or None, in place."""
    if weights is None:
        return rows
    samples, heads = tile
    return rows.mul_(weights[samples, heads if weights.shape[1] > 1 else slice(None)])


def _segments(components):
    """(first, second, rows): the rows from `first` on times those from `second` on.

    Together they are all products of two components. A shift that passes the last component has
    two segments.
    """
    segments = []
    for shift in range(components // 2 + 1):
        rows = components if 2 * shift < components else shift  # at L / 2, pairs would repeat
        straight = min(rows, components - shift)
        segments.append((0, shift, straight))
        if rows > straight:
            segments.append((straight, 0, rows - straight))
    return segments
