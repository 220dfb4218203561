"""Smaller models with only some of the heads."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from cctzoo.analysis.checks import check_not_quantised, encoder_blocks
from cctzoo.arguments import checked_arguments
from cctzoo.layers import EncoderBlock
from cctzoo.models import CCT
from cctzoo.typing import Array

Keep = Mapping[int, Sequence[int] | Array]  # from block to the heads that it keeps


@checked_arguments
def prune_heads(model: CCT, keep: Keep, name: str | None = None) -> CCT:
    """Builds a smaller model from only some of the heads.

    The result equals the model with the other heads silenced: their columns are removed from
    the query-key-value kernel and their rows from the projection, without any approximation.
    It is an ordinary `CCT` with its own weights, which can be trained, saved and exported.

    Args:
        model: a `CCT`; it is not changed.
        keep: dict from block to the indices of the heads that it keeps, at least one. Blocks
            that are not in the dict keep all their heads.
        name: name of the new model. Default: the name of `model` with `_pruned`.

    Returns:
        A `CCT` whose config has the number and the width of the heads of each block.

    Raises:
        ValueError: if the model has no such block or head, if a block would keep no head, or
            if the model is quantised.

    Example:

    ```python
    from cctzoo import analysis, models

    model = models.cct_2_3x2_32(classes=10)  # 2 blocks of 2 heads
    smaller = analysis.prune_heads(model, {0: [1], 1: [0]})
    print(smaller.config.block_heads)  # (1, 1)
    ```
    """
    kept = remaining_heads(model, keep)
    check_not_quantised(model)
    config = dataclasses.replace(
        model.config,
        heads=tuple(len(heads) for heads in kept.values()),
        head_dim=model.config.block_head_dims,
    )
    pruned = CCT(config, name=name or f"{model.name}_pruned", dtype=model.dtype_policy)
    for layer in model.layers:
        weights = layer.get_weights()
        target = pruned.get_layer(layer.name)
        if isinstance(layer, EncoderBlock):
            heads = kept[int(layer.name.removeprefix("block"))]
            weights = _remaining_weights(layer, heads, weights)
        target.set_weights(weights)
        target.trainable = layer.trainable
    return pruned


def _remaining_weights(layer, heads, weights):
    """Returns the weights of an encoder block with only these heads."""
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


def remaining_heads(model: CCT, keep: Keep) -> dict[int, Array]:
    """Checks `keep` and completes it: a dict from every encoder block to its heads, ascending.

    Args, Raises: as in `prune_heads`.
    """
    blocks = encoder_blocks(model)
    unknown = sorted(set(keep) - set(blocks))
    if unknown:
        raise ValueError(
            "`keep` must name encoder blocks of the model: "
            f"{', '.join(map(str, blocks))}. Received: {', '.join(map(str, unknown))}"
        )
    kept = {}
    for block, heads in zip(blocks, model.config.block_heads, strict=True):
        chosen = np.asarray(keep.get(block, range(heads)))
        integers = chosen.ndim == 1 and np.issubdtype(chosen.dtype, np.integer)
        if not integers or not len(chosen) or not set(chosen.tolist()) <= set(range(heads)):
            raise ValueError(
                "`keep` must hold at least one head from 0 to N - 1 for each block. "
                f"Received: {list(keep[block])} for block {block} of {heads} heads"
            )
        if len(set(chosen.tolist())) < len(chosen):
            raise ValueError(
                "`keep` must name each head of a block only once. "
                f"Received: {list(chosen)} for block {block}"
            )
        kept[block] = np.sort(chosen)
    return kept
