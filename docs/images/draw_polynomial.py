"""Draws both kinds of attention: their kernels in the plane, and their cost over the heads."""

import matplotlib.figure
import numpy as np

TOKENS, WIDTH = 256, 256
FLOOR = 0.01
QUERY = np.array([1.0, 0.0])
COLOURS = {"softmax": "#d55e00", "polynomial": "#0072b2"}


def draw():
    """Returns the figure: two maps of the weight of a key, and multiply-accumulates."""
    figure = matplotlib.figure.Figure((11, 4.3), layout="constrained", facecolor="white")
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.25])
    side = np.linspace(-2, 2, 61)
    keys = np.stack(np.meshgrid(side, side))
    products = np.tensordot(QUERY, keys, 1)
    lengths = np.hypot(*keys) * np.hypot(*QUERY)
    weights = {
        "softmax": np.exp(products / np.sqrt(2)),
        "polynomial": np.hypot(*keys) ** 3 * ((1 + FLOOR) * lengths + products),
    }
    formulas = {
        "softmax": r"softmax: $\exp(q\cdot k\,/\sqrt{H})$",
        "polynomial": r"polynomial: $|k|^3\,(|q||k| + q\cdot k)$",
    }
    for axes, (kind, weight) in zip((left, middle), weights.items(), strict=True):
        draw_map(axes, side, weight / weight[len(side) // 2, -1])  # the key (2, 0)
        axes.set_title(formulas[kind], fontsize=13.5, color=COLOURS[kind])
    draw_cost(right)
    return figure


def draw_map(axes, side, weight):
    axes.contourf(side, side, weight, levels=np.linspace(0, 1, 11), cmap="Blues", extend="max")
    axes.contour(
        side, side, weight, levels=np.linspace(0.1, 0.9, 9), colors="white", linewidths=0.6
    )
    axes.annotate("", QUERY, (0, 0), arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 1.6})
    axes.text(0.45, 0.14, "q", fontsize=15, style="italic")
    axes.plot(0, 0, "o", color="black", markersize=3)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("weight of a key at each place\n(darker: more)", fontsize=12)


def draw_cost(axes):
    heads = 2 ** np.arange(2, 9)
    head_dim = WIDTH // heads
    linear = 2 * TOKENS * heads * (head_dim + 1) ** 2
    softmax = np.full(len(heads), 2 * TOKENS**2 * WIDTH)
    axes.plot(heads, softmax / 1e6, "o-", color=COLOURS["softmax"], label="softmax")
    polynomial = np.minimum(linear, softmax)
    axes.plot(heads, polynomial / 1e6, "o-", color=COLOURS["polynomial"], label="polynomial")
    for count, value in zip(heads, polynomial / 1e6, strict=True):
        axes.annotate(
            f"{value:.1f}",
            (count, value),
            (0, -16),
            textcoords="offset points",
            ha="center",
            fontsize=11.5,
            color=COLOURS["polynomial"],
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_ylim(0.2, 90)
    axes.set_xticks(heads, map(str, heads))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.tick_params(labelsize=12)
    axes.set_xlabel("heads (256 / heads is their width)", fontsize=12)
    axes.set_title("million multiply-accumulates of attention,\none block, 256 tokens", fontsize=13)
    axes.legend(frameon=False, fontsize=12.5, loc="center right")
    axes.grid(True, color="#e5e5e5")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
