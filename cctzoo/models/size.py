"""The size of a model from its config, before anything is built."""

import math
from collections.abc import Iterable
from typing import Any

from cctzoo import limits
from cctzoo.layers.conv_prefix import EXPANSION
from cctzoo.layers.token_convolution import SIDE

HIDDEN_FILTERS = 64  # channels of all tokenizer convolutions except the last
# The fields that decide how many weights a model has.
SIZES = (
    *("depth", "embed_dim", "heads", "head_dim", "mlp_ratio", "conv_prefix", "prefix_filters"),
    *("kernel_size", "conv_layers", "input_shape", "vocabulary_size", "word_dim", "classes"),
)


def check_size(config: Any) -> None:
    """Raises ValueError if a model would exceed the limit `weights` or `positions`.

    Args:
        config: a `CCTConfig` or `TextConfig`, otherwise valid.
    """
    fields = {name: getattr(config, name) for name in SIZES if hasattr(config, name)}
    positions, weights = largest_positions(config), least_weights(config)
    for limit, size, subject in (
        ("positions", positions, "A model's tokens, their number times their width,"),
        ("weights", weights, "The number of a model's weights"),
    ):
        limits.check(limit, size, subject, **{limit: size, **fields})


def check_committee_size(configs: Iterable[Any]) -> None:
    """Raises ValueError if a committee would exceed the limit `layers` or `weights`.

    Args:
        configs: the configs of its members.
    """
    weights = 0
    for members, config in enumerate(configs, start=1):
        weights += least_weights(config)
        limits.check("layers", members, "The number of a committee's members", members=members)
        limits.check("weights", weights, "The number of a committee's weights", weights=weights)


def largest_positions(config: Any) -> int:
    """The numbers in the input of one sample, or in its tokens if these are more."""
    return max(math.prod(config.input_shape), config.embed_dim * config.tokens)


def least_weights(config: Any) -> int:
    """The number of a model's weights without biases and norms: a lower bound."""
    width = config.embed_dim
    hidden = int(config.mlp_ratio * width)
    inner = sum(map(math.prod, zip(config.block_heads, config.block_head_dims, strict=True)))
    least = 4 * width * inner + 2 * width * hidden * len(config.block_heads)
    if config.mlp_kind == "depthwise":
        least += SIDE ** len(config.grid) * hidden * len(config.block_heads)
    least += width * config.classes if config.include_top else 0
    least += width * config.tokens if config.positional_embedding == "learnable" else 0
    stem = _text_stem if config.kind == "texts" else _image_stem
    return least + stem(config) + _prefix(config)


def _image_stem(config):
    total, channels = 0, config.input_shape[-1]
    filters = [HIDDEN_FILTERS] * (config.conv_layers - 1) + [config.tokenizer_filters]
    for out in filters:
        total += config.kernel_size**2 * channels * out
        channels = out
    return total


def _text_stem(config):
    embedding = config.vocabulary_size * config.word_dim
    if config.family == "text_transformer":
        return embedding
    return embedding + config.kernel_size * config.word_dim * config.embed_dim


def _prefix(config):
    kernel = 3 if config.kind == "texts" else 9
    channels, total = config.tokenizer_filters, 0
    if config.prefix_kind == "token_image":
        kernel, channels = 9, 1
    for filters in config.block_filters:
        wide = EXPANSION * channels
        if config.prefix_kind == "depthwise":
            total += channels * wide + kernel * wide + wide * filters
        else:
            total += kernel * channels * filters
        channels = filters
    return total
