"""Where heads look: their maps, and rollout, distance and entropy of the attention."""

from collections.abc import Iterable

import keras
import numpy as np
from keras import ops

from cctzoo.analysis.batches import predict_batch, sample_batches, token_masks
from cctzoo.analysis.checks import encoder_blocks
from cctzoo.analysis.heads import HeadScores
from cctzoo.analysis.recognition.probe import mean_weights
from cctzoo.arguments import checked_arguments
from cctzoo.data.samples import Samples
from cctzoo.models import CCT, feature_extractor, feature_names
from cctzoo.models.head_maps import block_heads, head_maps
from cctzoo.typing import Array


@checked_arguments
def attention_maps(
    model: CCT,
    samples: Samples,
    blocks: int | Iterable[int] | None = None,
    *,
    batch_size: int = 8,
) -> dict[int, Array]:
    """Measures where each head looks in each sample.

    The T x T scores of a head are reduced to one number per token: the attention that the token
    receives from all tokens, each of which counts as much as in the sequence pooling. With a
    class token, it is the attention of the class token; with other poolings, all tokens count
    alike. The class token itself is left out, padding receives 0, and each map sums to 1.

    A map says where a head reads. It does not say what the head finds there, nor how much that
    matters for the answer.

    Args:
        model: a `CCT`.
        samples: images (n, height, width, channels) or token ids (n, length).
        blocks: one number or several; None: all encoder blocks.
        batch_size: samples per batch; attention scores are (B, N, T, T).

    Returns:
        A dict from block to (n, N, H, W) float32 over the grid of tokens, the same grid for all
        blocks. For text models (n, N, T).

    Raises:
        ValueError: if the model is no `CCT` or has no such block, or if the samples do not have
            the shape of its input.

    Example:

    ```python
    import numpy as np
    from cctzoo import analysis, models

    model = models.cct_2_3x2_32()
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), "uint8")
    maps = analysis.attention_maps(model, images)
    print(maps[1].shape)  # (3, 2, 8, 8): images, heads of block 1, grid of tokens
    ```
    """
    chosen = encoder_blocks(model, blocks)
    reduced, found = head_maps(model), {block: [] for block in chosen}
    heads = dict(zip(encoder_blocks(model), block_heads(model).values(), strict=True))
    for batch, count in sample_batches(samples, batch_size, model.input_shape[1:]):
        maps = np.asarray(predict_batch(reduced, batch), "float32")[:count]
        first = 1  # after the rollout
        for block, number in heads.items():
            if block in found:
                found[block].append(maps[:, first : first + number])
            first += number
    grid = model.config.grid
    return {
        block: np.concatenate(parts).reshape(len(samples), heads[block], *grid)
        for block, parts in found.items()
    }


@checked_arguments
def attention_rollout(model: CCT, samples: Samples, *, batch_size: int = 8) -> Array:
    """Measures how much each token of the first encoder block contributes to the pooled result.

    The attention of a block, averaged over its heads, and the residual connection have equal
    shares: A' = (A + I) / 2, with rows that sum to 1. The product of A' over the blocks is
    weighted by the sequence pooling, by the row of the class token, or evenly for other
    poolings. A convolutional prefix is not rolled out: the maps are over the tokens after it.

    Args:
        model: a `CCT`.
        samples: images (n, height, width, channels) or token ids (n, length).
        batch_size: samples per batch; attention scores are (B, N, T, T).

    Returns:
        (n, H, W) float32 over the grid of tokens; each map sums to 1. For text models (n, T),
        with zeros at padding; see `word_saliency` for a result by word.

    Reference: Abnar & Zuidema, arXiv 2005.00928. Like the paper, the rollout ignores that the
        residual stream is normalised within a block.
    """
    names = [f"attention{block:02d}" for block in encoder_blocks(model)]
    weighted = "pooling_weights" in feature_names(model)
    extractor = feature_extractor(model, [*names, "pooling_weights"] if weighted else names)
    masks = token_masks(model)
    outputs = {name: ops.mean(extractor.output[name], axis=1) for name in names}  # (B, T, T)
    if weighted:
        outputs["pooling_weights"] = extractor.output["pooling_weights"]
    reduced = keras.Model(extractor.inputs[0], outputs)
    extra = model.config.tokens - np.prod(model.config.grid)  # 1 with a class token
    maps = []
    for batch, count in sample_batches(samples, batch_size, model.input_shape[1:]):
        found = predict_batch(reduced, batch)
        size, tokens = len(batch), model.config.tokens
        if weighted:
            reach = found["pooling_weights"].reshape(size, 1, tokens)
        else:
            reach = mean_weights(masks(batch))[:, None]
        if model.config.token_pooling == "token":
            reach = np.eye(1, tokens)[None].repeat(size, axis=0)
        for name in reversed(names):
            reach = (reach @ found[name] + reach) / 2  # (B, 1, T)
        reach = reach[:count, 0, extra:]
        maps.append(reach / reach.sum(axis=1, keepdims=True))
    return np.concatenate(maps).reshape(-1, *model.config.grid).astype("float32")


@checked_arguments
def attention_distance(model: CCT, samples: Samples, *, batch_size: int = 8) -> HeadScores:
    """Measures how far each head looks: the mean distance between a token and its targets.

    The distance is Euclidean, in tokens of the grid, weighted by the attention and averaged
    over tokens and samples. A class token has no position: it is left out, and its attention
    is shared by the other tokens. Padding tokens are left out too.

    Args:
        model, samples, batch_size: as in `attention_rollout`.

    Returns:
        `HeadScores` with the score `distance`.
    """
    grid = model.config.grid
    places = np.argwhere(np.ones(grid))  # (H * W, 2), or (T, 1) for text models
    lengths = np.linalg.norm(places[:, None] - places[None], axis=-1).astype("float32")
    extra = model.config.tokens - len(places)

    def distance(scores, mask):  # (B, N, T, T), (B, T) or None -> (B, N)
        scores = scores[:, :, extra:, extra:]
        along = ops.sum(scores * lengths, axis=-1) / ops.sum(scores, axis=-1)
        return _mean(along, None if mask is None else mask[:, extra:])

    return HeadScores({"distance": _mean_by_head(model, samples, distance, batch_size)})


@checked_arguments
def attention_entropy(model: CCT, samples: Samples, *, batch_size: int = 8) -> HeadScores:
    """Measures how spread out the attention of each head is, as an entropy in nats.

    The entropy is averaged over tokens and samples, without padding tokens. It is 0 if a token
    attends to a single token, and log(T) if it attends equally to all tokens.

    Args:
        model, samples, batch_size: as in `attention_rollout`.

    Returns:
        `HeadScores` with the score `entropy`.
    """

    def entropy(scores, mask):  # (B, N, T, T), (B, T) or None -> (B, N)
        logarithms = ops.log(ops.maximum(scores, 1e-30))
        return _mean(-ops.sum(scores * logarithms, axis=-1), mask)

    return HeadScores({"entropy": _mean_by_head(model, samples, entropy, batch_size)})


def _mean(values, mask):
    """Returns the mean over tokens without padding: (B, N, T), (B, T) or None -> (B, N)."""
    if mask is None:
        return ops.mean(values, axis=-1)
    weights = ops.cast(mask, values.dtype)  # (B, T)
    return ops.einsum("bnt,bt->bn", values, weights) / ops.sum(weights, axis=1, keepdims=True)


def _mean_by_head(model, samples, reduce, batch_size):
    """Returns a dict from block to (N,): the mean of `reduce(scores, mask)` over the samples."""
    names = {block: f"attention{block:02d}" for block in encoder_blocks(model)}
    masks = ["mask"] if "mask" in feature_names(model) else []
    extractor = feature_extractor(model, [*names.values(), *masks])
    mask = extractor.output.get("mask")
    reduced = keras.Model(
        extractor.inputs[0],
        {name: reduce(extractor.output[name], mask) for name in names.values()},
    )
    sums = dict.fromkeys(names, 0.0)
    for batch, count in sample_batches(samples, batch_size, model.input_shape[1:]):
        found = predict_batch(reduced, batch)
        for block, name in names.items():
            sums[block] = sums[block] + found[name][:count].astype("float64").sum(axis=0)
    return {block: total / len(samples) for block, total in sums.items()}
