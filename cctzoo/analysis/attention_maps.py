"""Where heads look: rollout, distance and entropy of the attention."""

import keras
import numpy as np
from keras import ops

from cctzoo.analysis.head_scores import HeadScores
from cctzoo.analysis.labelled import encoder_blocks, sample_batches, token_masks
from cctzoo.analysis.recognition.probe import mean_weights
from cctzoo.models import feature_extractor, feature_names


def attention_rollout(model, images, *, batch_size=8):
    """How much each token of the first encoder block reaches the pooled result.

    The attention of a block, averaged over its heads, and the residual connection count half
    each: A' = (A + I) / 2, with rows that sum to 1. The product over the blocks is weighted
    by sequence pooling, or by the class token's row, or evenly for other poolings. A
    convolutional prefix is not rolled out: the map is that of the tokens behind it.

    Args:
        model: a `CCT`.
        images: (n, height, width, channels), or token ids (n, length).
        batch_size: samples at once; scores are (B, N, T, T).

    Returns:
        (n, H, W) float32 over the grid of tokens; each map sums to 1. Of texts (n, T), 0 at
        padding; see `word_saliency` for words.

    Reference: Abnar & Zuidema, arXiv 2005.00928. That the residual stream of these models is
        normalised within a block is left out, as it is there.
    """
    names = [f"attention{block:02d}" for block in encoder_blocks(model)]
    weighted = "pooling_weights" in feature_names(model)
    extractor = feature_extractor(model, names + ["pooling_weights"] * weighted)
    masks = token_masks(model)
    outputs = {name: ops.mean(extractor.output[name], axis=1) for name in names}  # (B, T, T)
    if weighted:
        outputs["pooling_weights"] = extractor.output["pooling_weights"]
    reduced = keras.Model(extractor.inputs[0], outputs)
    extra = model.config.tokens - np.prod(model.config.grid)  # the class token, in front
    maps = []
    for samples, count in sample_batches(images, batch_size):
        found = reduced.predict_on_batch(samples)
        size, tokens = len(samples), model.config.tokens
        if weighted:
            reach = found["pooling_weights"].reshape(size, 1, tokens)
        else:
            reach = mean_weights(masks(samples))[:, None]
        if model.config.token_pooling == "token":
            reach = np.eye(1, tokens)[None].repeat(size, axis=0)
        for name in reversed(names):
            reach = (reach @ found[name] + reach) / 2  # (B, 1, T)
        reach = reach[:count, 0, extra:]
        maps.append(reach / reach.sum(axis=1, keepdims=True))
    return np.concatenate(maps).reshape(-1, *model.config.grid).astype("float32")


def attention_distance(model, images, *, batch_size=8):
    """How far each head looks: the mean distance of what a token attends to.

    Euclidean, in tokens of the grid, weighted by the attention, averaged over tokens and
    samples. A class token has no place: it is left out, and its weight shared by the others.
    So is padding.

    Args:
        model, images, batch_size: as in `attention_rollout`.

    Returns:
        `HeadScores` of `distance`.
    """
    grid = model.config.grid
    places = np.argwhere(np.ones(grid))  # (H * W, 2) or, of a text, (T, 1)
    lengths = np.linalg.norm(places[:, None] - places[None], axis=-1).astype("float32")
    extra = model.config.tokens - len(places)

    def distance(scores, mask):  # (B, N, T, T), (B, T) or None -> (B, N)
        scores = scores[:, :, extra:, extra:]
        along = ops.sum(scores * lengths, axis=-1) / ops.sum(scores, axis=-1)
        return _mean(along, None if mask is None else mask[:, extra:])

    return HeadScores({"distance": _by_head(model, images, distance, batch_size)})


def attention_entropy(model, images, *, batch_size=8):
    """How spread each head's attention is: entropy in nats, averaged over tokens and samples.

    0 is attention to one token; log(T) is the same attention to all. Padding is left out.

    Args:
        model, images, batch_size: as in `attention_rollout`.

    Returns:
        `HeadScores` of `entropy`.
    """

    def entropy(scores, mask):  # (B, N, T, T), (B, T) or None -> (B, N)
        logarithms = ops.log(ops.maximum(scores, 1e-30))
        return _mean(-ops.sum(scores * logarithms, axis=-1), mask)

    return HeadScores({"entropy": _by_head(model, images, entropy, batch_size)})


def _mean(values, mask):
    """Over the tokens that count: (B, N, T), (B, T) or None -> (B, N)."""
    if mask is None:
        return ops.mean(values, axis=-1)
    counted = ops.cast(mask, values.dtype)  # (B, T)
    return ops.einsum("bnt,bt->bn", values, counted) / ops.sum(counted, axis=1, keepdims=True)


def _by_head(model, images, reduce, batch_size):
    """A dict from block to (N,): `reduce` of scores and mask, averaged over the samples."""
    names = {block: f"attention{block:02d}" for block in encoder_blocks(model)}
    masks = ["mask"] if "mask" in feature_names(model) else []
    extractor = feature_extractor(model, [*names.values(), *masks])
    mask = extractor.output.get("mask")
    reduced = keras.Model(
        extractor.inputs[0],
        {name: reduce(extractor.output[name], mask) for name in names.values()},
    )
    sums = dict.fromkeys(names, 0.0)
    for samples, count in sample_batches(images, batch_size):
        found = reduced.predict_on_batch(samples)
        for block, name in names.items():
            sums[block] = sums[block] + found[name][:count].astype("float64").sum(axis=0)
    return {block: total / len(images) for block, total in sums.items()}
