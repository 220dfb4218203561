"""Draws the architecture of `cct_conv`: the path of an image, with the numbers of the config."""

import functools
import math

import matplotlib.figure
import numpy as np
from matplotlib.patches import Rectangle

from cctzoo.models import create_model, feature_extractor, multiply_accumulates, variant_config

NAME = "cct_conv"
ATTENTION, CONVOLUTION, PLAIN = "#cfe3f1", "#fbdcc7", "#eeeeee"
EDGES = {ATTENTION: "#0072b2", CONVOLUTION: "#d55e00", PLAIN: "#555555"}


@functools.cache
def model():
    return create_model(NAME)


def maps():
    """The shapes of the map after the tokenizer and after each prefix block, and the prefix."""
    extractor = feature_extractor(model(), ["tokenizer", "prefix"])
    shape = tuple(extractor.output["tokenizer"].shape[1:])
    found = [shape]
    prefix = model().get_layer("prefix")
    for i, filters in enumerate(prefix.filters):
        if i in prefix.pool:
            shape = (shape[0] // 2, shape[1] // 2, shape[2])
        shape = (*shape[:2], filters)
        found.append(shape)
    assert found[-1] == tuple(extractor.output["prefix"].shape[1:])
    return found, prefix


def steps():
    """(colour, side of the map or None, name, what it does, size of the result) of each step."""
    config = variant_config(NAME)
    shapes, prefix = maps()
    side, _, channels = config.input_shape
    kernel = f"{config.kernel_size}x{config.kernel_size}"
    found = [
        (PLAIN, side, "image", "", size((side, side, channels))),
        (CONVOLUTION, shapes[0][0], "tokenizer", f"conv. {kernel}\nmax pooling", size(shapes[0])),
    ]
    convolution = "conv. {}x{}".format(*prefix.kernel_size)
    for i, shape in enumerate(shapes[1:]):
        work = f"max pooling\n{convolution}" if i in prefix.pool else convolution
        found.append((CONVOLUTION, shape[0], f"block {i}", work, size(shape)))
    heads, width = config.block_heads[0], config.embed_dim
    blocks = f"blocks {config.conv_prefix}-{config.depth - 1}"
    work = f"{heads} heads\n{width // heads} wide"
    found.append((ATTENTION, config.grid[0], blocks, work, f"{config.tokens} tokens\nx {width}"))
    found.append((PLAIN, None, "pooling", "over tokens,\nclassifier", f"{config.classes} classes"))
    return found


def size(shape):
    height, width, channels = shape
    return f"{height} x {width}\nx {channels}"


def draw():
    """Returns the figure."""
    figure = matplotlib.figure.Figure((11, 4.4), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    for column, (colour, side, name, work, result) in enumerate(steps()):
        x = 1.57 * column
        axes.text(x, 1.16, name, ha="center", fontsize=17, weight="bold")
        draw_map(axes, x, side, colour)
        axes.text(x, -0.95, work, ha="center", va="center", fontsize=15, color=EDGES[colour])
        axes.text(x, -1.62, result, ha="center", va="center", fontsize=14)
        if column:
            arrow = {"arrowstyle": "-|>", "color": "black", "lw": 1.8}
            axes.annotate("", (x - 0.62, 0.3), (x - 0.95, 0.3), arrowprops=arrow)
    config = variant_config(NAME)
    others = variant_config("cct_lsmha")
    axes.text(
        -0.66,
        1.98,
        f"{NAME}: {config.block_heads[0]} heads behind a convolutional prefix",
        fontsize=20,
        weight="bold",
    )
    costs = [multiply_accumulates(each) / 1e6 for each in (config, others)]
    axes.text(
        -0.66,
        1.6,
        f"{model().count_params() / 1e6:.1f} M parameters, {costs[0]:,.0f} M "
        f"multiply-accumulates (without the prefix {others.tokens} tokens, {costs[1]:,.0f} M)",
        fontsize=14.5,
    )
    axes.set_xlim(-0.75, 1.57 * 6 + 0.75)
    axes.set_ylim(-1.95, 2.35)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure


def draw_map(axes, x, side, colour):
    """Draws a map as a grid with its number of cells; without a side, one vector."""
    if side is None:
        extent, columns, rows = (0.12, 1.1), 1, 8
    else:
        length = 0.35 + 0.17 * math.log2(side)
        extent, columns, rows = (length, length), side, side
    left, bottom = x - extent[0] / 2, 0.3 - extent[1] / 2
    axes.add_patch(Rectangle((left, bottom), *extent, facecolor=colour, edgecolor="none"))
    right, top = left + extent[0], bottom + extent[1]
    style = {"color": EDGES[colour], "linewidth": 0.8}
    axes.vlines(np.linspace(left, right, columns + 1), bottom, top, **style)
    axes.hlines(np.linspace(bottom, top, rows + 1), left, right, **style)
