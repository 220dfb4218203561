"""Arithmetic of a model, from its config alone."""

from cctzoo.layers.conv_prefix import EXPANSION
from cctzoo.layers.tokenizer import conv_geometry
from cctzoo.models.config import HIDDEN_FILTERS


def multiply_accumulates(config):
    """Multiply-accumulates of one image through all convolutions and matrix products.

    Counts the two products of attention (2 * depth * T^2 * width), which published figures
    of the family leave out. Norms, softmax and activations are not counted.
    """
    total = _tokenizer(config) + _prefix(config)
    width, tokens = config.embed_dim, config.tokens
    for heads, head_dim in zip(config.block_heads, config.block_head_dims, strict=True):
        inner = heads * head_dim
        total += tokens * width * 3 * inner + tokens * inner * width  # qkv, projection
        total += 2 * tokens**2 * inner  # scores, values
        total += 2 * tokens * width * int(width * config.mlp_ratio)
    if config.token_pooling == "sequence":
        total += 2 * tokens * width
    return total + (width * config.classes if config.include_top else 0)


def _tokenizer(config):
    height, width, channels = config.input_shape
    side = config.kernel_size
    if config.family != "cct":
        return (height // side) * (width // side) * side**2 * channels * config.tokenizer_filters
    stride, padding = conv_geometry(side)
    filters = [HIDDEN_FILTERS] * (config.conv_layers - 1) + [config.tokenizer_filters]
    total = 0
    for out, grid in zip(filters, config.grids, strict=False):
        height, width = ((n + 2 * padding - side) // stride + 1 for n in (height, width))
        total += height * width * side**2 * channels * out
        (height, width), channels = grid, out
    return total


def _prefix(config):
    channels, total = config.tokenizer_filters, 0
    grids = config.grids[-config.conv_prefix :] if config.conv_prefix else []
    for filters, (height, width) in zip(config.block_filters, grids, strict=True):
        wide = EXPANSION * channels
        if config.prefix_kind == "vgg":
            total += height * width * 9 * channels * filters
        else:
            total += height * width * (channels * wide + 9 * wide + wide * filters)
        channels = filters
    return total
