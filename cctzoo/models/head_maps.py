"""Where each head of a model looks, as one small output of a graph of its own."""

import keras
from keras import ops

from cctzoo.layers import EncoderBlock
from cctzoo.models.features import feature_extractor, feature_names
from cctzoo.models.model import CCT
from cctzoo.typing import Tensor


def block_heads(model: keras.Model) -> dict[str, int]:
    """The encoder blocks of a `CCT` and their numbers of heads; empty for other models."""
    if not isinstance(model, CCT):
        return {}
    blocks = [layer for layer in model.layers if isinstance(layer, EncoderBlock)]
    return {block.name: block.attention.num_heads for block in blocks}


def head_maps(model: CCT) -> keras.Model:
    """Builds a model that returns attention maps and shares the weights of `model`.

    The scores of a head are T x T numbers. Its map has one number per token: the attention that
    the token receives from all tokens, weighted by how much each of those counts in the pooling.
    The attention of a class token to itself is left out. Each map sums to 1.

    Args:
        model: a `CCT` with at least one encoder block.

    Returns:
        A `keras.Model` with the output (B, 1 + heads of all blocks, T), T without the class
        token. The first map is the attention rollout (`analysis.attention_rollout`); the others
        are those of the heads, from the first block on.
    """
    names = [f"attention{name.removeprefix('block')}" for name in block_heads(model)]
    known = feature_names(model)
    extras = [name for name in ("pooling_weights", "mask") if name in known]
    found = feature_extractor(model, [*names, *extras])
    scores = [found.output[name] for name in names]  # each (B, N, T, T)
    weights = _pooling(model, found.output, scores[0])  # (B, T)
    reach = weights[:, None, :]  # (B, 1, T)
    for each in reversed(scores):
        reach = (ops.matmul(reach, ops.mean(each, axis=1)) + reach) / 2
    # A product and a sum: not every runtime has a fast matrix product for one row per head.
    received = [ops.sum(each * weights[:, None, :, None], axis=2) for each in scores]
    maps = ops.concatenate([reach, *received], axis=1)
    if model.config.has_class_token:
        maps = maps[:, :, 1:]
    maps = maps / ops.sum(maps, axis=-1, keepdims=True)
    return keras.Model(found.inputs[0], maps, name=f"{model.name}_heads")


def _pooling(model, features, scores) -> Tensor:
    """How much each token counts in the pooling: (B, T), which sums to 1."""
    tokens = model.config.tokens
    if "pooling_weights" in features:
        return ops.reshape(features["pooling_weights"], (-1, tokens))
    if model.config.token_pooling == "token":
        one = ops.one_hot(0, tokens)
    elif "mask" in features:
        mask = ops.cast(features["mask"], "float32")
        # An empty text counts all its padding, as `MaskedAverage` does.
        return (mask + 1e-9) / ops.sum(mask + 1e-9, axis=1, keepdims=True)
    else:
        one = ops.full((tokens,), 1 / tokens)
    return ops.sum(scores[:, 0], axis=2) * one  # the scores of each query sum to 1
