"""The number of multiply-accumulates of a model, computed from its config."""

import math

from cctzoo.arguments import checked_arguments
from cctzoo.layers.attention.polynomial.linear import is_linear
from cctzoo.layers.conv_prefix import EXPANSION
from cctzoo.layers.functional import conv_output_size, stride_and_padding
from cctzoo.layers.token_convolution import SIDE
from cctzoo.models.config import HIDDEN_FILTERS, CCTConfig
from cctzoo.models.text_config import TextConfig


@checked_arguments
def multiply_accumulates(config: CCTConfig | TextConfig) -> int:
    """Multiply-accumulates of all convolutions and matrix products for one image or text.

    The two products of attention are included: 2 * T^2 * N * H in a block of softmax attention,
    and 2 * T * N * (H + 1)^2 in one of polynomial attention, or those of softmax if they are
    fewer. Published figures for the family leave them out. Norms, softmax, lengths and
    activations are not counted.
    """
    if config.kind == "texts":
        total = _text_tokenizer(config) + _text_prefix(config)
    else:
        total = _tokenizer(config) + _prefix(config, 9)
    width, tokens = config.embed_dim, config.tokens
    blocks = zip(config.block_heads, config.block_head_dims, config.block_attention, strict=True)
    for heads, head_dim, attention in blocks:
        inner = heads * head_dim
        total += tokens * width * 3 * inner + tokens * inner * width  # qkv, projection
        if attention == "polynomial" and is_linear(head_dim, tokens):
            total += 2 * tokens * heads * (head_dim + 1) ** 2
        else:
            total += 2 * tokens**2 * inner  # scores, values
        hidden = int(width * config.mlp_ratio)
        total += 2 * tokens * width * hidden
        if config.mlp_kind == "depthwise":
            total += tokens * hidden * SIDE ** len(config.grid)
    if config.token_pooling == "sequence":
        total += 2 * tokens * width
    return total + (width * config.classes if config.include_top else 0)


def _tokenizer(config):
    height, width, channels = config.input_shape
    side = config.kernel_size
    if config.family != "cct":
        return (height // side) * (width // side) * side**2 * channels * config.tokenizer_filters
    stride, padding = stride_and_padding(side)
    filters = [HIDDEN_FILTERS] * (config.conv_layers - 1) + [config.tokenizer_filters]
    total = 0
    for out, grid in zip(filters, config.grids, strict=False):
        height, width = (conv_output_size(n, side, stride, padding) for n in (height, width))
        total += height * width * side**2 * channels * out
        (height, width), channels = grid, out
    return total


def _prefix(config, kernel):
    """Convolution blocks on the tokenizer's output, with `kernel` weights per channel pair."""
    channels, total = config.tokenizer_filters, 0
    grids = config.grids[-config.conv_prefix :] if config.conv_prefix else []
    for filters, grid in zip(config.block_filters, grids, strict=True):
        wide, positions = EXPANSION * channels, math.prod(grid)
        if config.prefix_kind == "vgg":
            total += positions * kernel * channels * filters
        else:
            total += positions * (channels * wide + kernel * wide + wide * filters)
        channels = filters
    return total


def _text_tokenizer(config):
    if config.family == "text_transformer":
        return 0
    windows = math.prod(config.tokenizer_grids[0])
    if config.family == "text_cct":  # before pooling
        stride, padding = stride_and_padding(config.kernel_size)
        windows = conv_output_size(config.length, config.kernel_size, stride, padding)
    return windows * config.kernel_size * config.word_dim * config.embed_dim


def _text_prefix(config):
    if config.prefix_kind != "token_image":
        return _prefix(config, 3)
    positions, channels, total = math.prod(config.grid) * config.embed_dim, 1, 0
    for filters in config.block_filters:
        total += positions * 9 * channels * filters
        channels = filters
    return total + (positions * channels if config.conv_prefix else 0)
