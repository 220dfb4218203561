"""Which heads look at a neighbour: the attention by offset from the query to the key."""

import dataclasses

import numpy as np

from cctzoo.analysis.checks import encoder_blocks
from cctzoo.analysis.roles.score_batches import score_batches
from cctzoo.analysis.word_windows import words_per_token
from cctzoo.arguments import checked_arguments
from cctzoo.data.samples import Samples
from cctzoo.models import CCT
from cctzoo.typing import Array

LEAST_PAIRS = 0.5  # of the queries must have a token at the peak


@dataclasses.dataclass(frozen=True, eq=False)
class HeadOffsets:
    """The attention of each head by offset: how far a key lies from its query.

    Offset 0 is the middle of each array. An image model has offsets (down, right), so that
    (0, 1) is the right neighbour; a text model has one offset, which is positive for later words.

    Args:
        maps: dict from block to (N, 2H - 1, 2W - 1) float32: the attention at an offset, averaged
            over the queries that have a token there, and over the samples. For text models
            (N, 2T - 1).
        pairs: (2H - 1, 2W - 1) or (2T - 1,) float32: the share of the queries that have a token
            at an offset.
        equal: the share of the attention that each offset would get if every query attended to
            all tokens equally, in the shape of `pairs`; sums to 1.
        step: tokens of an image model are 1 apart; those of a text model this many words.
    """

    maps: dict[int, Array]
    pairs: Array
    equal: Array
    step: int = 1

    @property
    def shares(self) -> dict[int, Array]:
        """The share of a head's attention at each offset, in the shape of `maps`; sums to 1."""
        return {block: maps * self.pairs for block, maps in self.maps.items()}

    @property
    def peaks(self) -> dict[int, Array]:
        """(N, 2), or (N, 1) for text models: the offset with the largest mean, in tokens.

        Offsets that fewer than half of the queries have do not count: their mean says more
        about the border of the image than about the head. Equal attention has no peak, so that
        the peak of a head with little more than equal attention there means little; see `lifts`.
        """
        middle = np.array(self.pairs.shape) // 2
        return {
            block: np.stack(np.unravel_index(places, self.pairs.shape), axis=1) - middle
            for block, places in self._places().items()
        }

    @property
    def peak_shares(self) -> dict[int, Array]:
        """(N,): the share of a head's attention at its peak."""
        shares, places = self.shares, self._places()
        return {
            block: np.take_along_axis(each.reshape(len(each), -1), places[block][:, None], 1)[:, 0]
            for block, each in shares.items()
        }

    @property
    def lifts(self) -> dict[int, Array]:
        """(N,): the attention at the peak of a head, as a multiple of equal attention."""
        shares, places = self.peak_shares, self._places()
        return {block: each / self.equal.flat[places[block]] for block, each in shares.items()}

    def _places(self):
        """Returns a dict from block to (N,): the flat index of each peak."""
        counted = self.pairs.ravel() >= LEAST_PAIRS
        return {
            block: np.where(counted, each.reshape(len(each), -1), -1).argmax(axis=1)
            for block, each in self.maps.items()
        }


@checked_arguments
def head_offsets(model: CCT, samples: Samples, *, batch_size: int = 4) -> HeadOffsets:
    """Measures how much each head attends to each offset from the query.

    A head that looks at the right neighbour of every token has all its attention at the offset
    (0, 1), except that of the tokens at the right border. Such heads compute what a convolution
    computes; a head that compares contents has no such peak.

    A class token has no position: it is left out, and its attention is shared by the other
    tokens. Padding is left out too. See `attention_distance` for the mean distance.

    Args:
        model: a `CCT`.
        samples: images (n, height, width, channels) or token ids (n, length).
        batch_size: samples per batch; attention scores are (B, N, T, T).

    Raises:
        ValueError: if the samples do not have the shape of the model's input.

    Reference: Walmer et al., "Teaching Matters", arXiv 2212.03862, who align the attention with
        the query and call heads with a peak beside it offset local heads.
    """
    grid = model.config.grid
    extra = model.config.tokens - int(np.prod(grid))  # 1 with a class token
    sums, pairs, equal = dict.fromkeys(encoder_blocks(model), 0.0), 0.0, 0.0
    for scores, mask in score_batches(model, samples, batch_size):
        mask = mask[:, extra:]
        pairs = pairs + mask.T @ mask  # (T, T): samples that have both tokens
        equal = equal + mask.T @ (mask / mask.sum(axis=1, keepdims=True))
        for block, each in scores.items():
            each = each[:, :, extra:, extra:]
            each = each / each.sum(axis=-1, keepdims=True) if extra else each
            sums[block] = sums[block] + np.einsum("bnqk,bq->nqk", each, mask)
    counts, equal = by_offset(np.stack([pairs, equal]), grid)
    maps = {
        block: (by_offset(each, grid) / np.maximum(counts, 1)).astype("float32")
        for block, each in sums.items()
    }
    queries = counts.flat[counts.size // 2]  # every query has a token at offset 0: itself
    step = words_per_token(model.config) if model.config.kind == "texts" else 1
    shares = [(each / queries).astype("float32") for each in (counts, equal)]
    return HeadOffsets(maps, *shares, step)


def by_offset(matrices: Array, grid: tuple[int, ...]) -> Array:
    """Sums matrices of queries and keys by offset.

    Args:
        matrices: (N, T, T), rows are queries.
        grid: (H, W) or (T,), the places of the tokens.

    Returns:
        (N, 2H - 1, 2W - 1) or (N, 2T - 1) float64; offset 0 is in the middle.
    """
    shape = tuple(2 * side - 1 for side in grid)
    places = np.stack(np.unravel_index(np.arange(np.prod(grid)), grid), axis=1)  # (T, axes)
    offsets = places[None] - places[:, None] + np.array(grid) - 1  # (queries, keys, axes)
    cells = np.ravel_multi_index(np.moveaxis(offsets, -1, 0), shape).ravel()
    sums = [np.bincount(cells, each.ravel(), int(np.prod(shape))) for each in matrices]
    return np.stack(sums).reshape(-1, *shape)
