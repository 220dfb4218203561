"""Smaller models: some heads kept, the others gone."""

import dataclasses

import numpy as np

from cctzoo.analysis.gates import check_not_quantised
from cctzoo.analysis.labelled import encoder_blocks
from cctzoo.layers import EncoderBlock
from cctzoo.models import CCT


def prune_heads(model, keep, name=None):
    """A smaller model with only some of the heads, equal to the one whose others are silenced.

    Their columns leave the query-key-value product, their rows the projection; nothing is
    approximated. The result is an ordinary `CCT` with weights of its own, to be trained
    further, saved and exported.

    Args:
        model: a `CCT`; it stays as it is.
        keep: dict from block to the indices of the heads that stay, at least one; blocks that
            are not in it keep all.
        name: of the new model. Default: that of `model`.

    Returns:
        A `CCT` whose config has the numbers and the width of heads of each block.

    Raises:
        ValueError: for blocks or heads that the model does not have, or a block left without.
    """
    kept = kept_heads(model, keep)
    check_not_quantised(model)
    config = dataclasses.replace(
        model.config,
        heads=tuple(len(heads) for heads in kept.values()),
        head_dim=model.config.block_head_dims,
    )
    pruned = CCT(config, name=name or model.name, dtype=model.dtype_policy)
    for layer in model.layers:
        weights = layer.get_weights()
        target = pruned.get_layer(layer.name)
        if isinstance(layer, EncoderBlock):
            heads = kept[int(layer.name.removeprefix("block"))]
            weights = _kept_weights(layer, heads, weights)
        target.set_weights(weights)
        target.trainable = layer.trainable
    return pruned


def _kept_weights(layer, heads, weights):
    """A block's weights with only these heads; which they are is told by their paths."""
    attention = layer.attention
    shape = attention.num_heads, attention.head_dim
    found = []
    for variable, value in zip(layer.weights, weights, strict=True):
        width = value.shape[0]
        if variable is attention.qkv.kernel:  # (D, 3*N*H)
            value = value.reshape(width, 3, *shape)[:, :, heads].reshape(width, -1)
        elif variable is attention.projection.kernel:  # (N*H, D)
            value = value.reshape(*shape, -1)[heads].reshape(-1, value.shape[-1])
        found.append(value)
    return found


def kept_heads(model, keep):
    """A dict from every encoder block to its kept heads, ascending.

    Args, Raises: as in `prune_heads`.
    """
    blocks = encoder_blocks(model)
    odd = sorted(set(keep) - set(blocks))
    if odd:
        raise ValueError(
            "`keep` must name encoder blocks of the model: "
            f"{', '.join(map(str, blocks))}. Received: {', '.join(map(str, odd))}"
        )
    kept = {}
    for block, heads in zip(blocks, model.config.block_heads, strict=True):
        chosen = np.asarray(keep.get(block, range(heads)))
        whole = chosen.ndim == 1 and np.issubdtype(chosen.dtype, np.integer)
        if not whole or not len(chosen) or not set(chosen.tolist()) <= set(range(heads)):
            raise ValueError(
                f"`keep` must hold, for each block, at least one head of 0 to N - 1: a block "
                f"without any attention is no encoder block. Received: {list(keep[block])} for "
                f"block {block} of {heads} heads"
            )
        if len(set(chosen.tolist())) < len(chosen):
            raise ValueError(
                f"`keep` must name a head once. Received: {list(chosen)} for block {block}"
            )
        kept[block] = np.sort(chosen)
    return kept
