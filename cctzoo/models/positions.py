"""Positions: added to the stream once, or normalised by each encoder block (LaPE)."""

from collections.abc import Iterable, Iterator
from typing import Any

import keras

from cctzoo.layers import LayerNorm, PositionEmbedding
from cctzoo.layers.encoder_block import EPSILON
from cctzoo.models.config import CCTConfig
from cctzoo.models.text_config import TextConfig
from cctzoo.typing import Tensor

POSITION, NORM = "position", "position_norm"  # names of layers; a block's number follows NORM


def added_positions(config: CCTConfig | TextConfig, dtype: Any, x: Tensor) -> Tensor:
    """The tokens (B, T, D), with their positions if these are added to the stream."""
    if not config.positional_embedding or config.positional_join == "layer":
        return x
    return _embedding(config, dtype, added=True)(x)


def block_positions(config: CCTConfig | TextConfig, dtype: Any, x: Tensor) -> dict[int, Tensor]:
    """What each encoder block adds to the input of its attention, (1, T, D) by its number.

    The positions of a block are those of the block before it, normalised, with a scale and an
    offset of its own. Empty if the positions are added to the stream.

    Args:
        config: of the model.
        dtype: float32: positions are small numbers, and are normalised block after block.
        x: the tokens (B, T, D), of which only the shape counts.

    Reference: Yu et al., "LaPE: Layer-adaptive Position Embedding for Vision Transformers with
        Independent Layer Normalization", ICCV 2023, arXiv 2212.05262.
    """
    if config.positional_join == "stream":
        return {}
    numbers = range(config.conv_prefix, config.depth)
    norms = [LayerNorm(epsilon=EPSILON, name=f"{NORM}{n:02d}", dtype=dtype) for n in numbers]
    return dict(_chain(_embedding(config, dtype, added=False), norms, x))


def positions_of(model: keras.Model, x: Tensor) -> dict[int, Tensor]:
    """`block_positions` by the layers of a model, for the tokens `x` of another graph."""
    norms = [layer for layer in model.layers if layer.name.startswith(NORM)]
    norms.sort(key=lambda layer: layer.name)
    return dict(_chain(model.get_layer(POSITION), norms, x)) if norms else {}


def is_position(name: str, config: CCTConfig | TextConfig) -> bool:
    """Whether a layer, by its name, returns positions: the same (1, T, D) for every sample."""
    return config.positional_join == "layer" and name.startswith(POSITION)


def _embedding(config, dtype, added):
    kind, zero_first = config.positional_embedding, config.kind == "texts"
    return PositionEmbedding(kind, zero_first, added, name=POSITION, dtype=dtype)


def _chain(
    embedding: PositionEmbedding, norms: Iterable[LayerNorm], x: Tensor
) -> Iterator[tuple[int, Tensor]]:
    positions = embedding(x)
    for norm in norms:
        positions = norm(positions)
        yield int(norm.name.removeprefix(NORM)), positions
