"""Draws what the heads of CCT-7/3x1 know along its blocks: a table of docs/benchmarks/heads.md."""

import re

import matplotlib.figure
from draw_latency import table

MODEL = "CCT-7/3x1"  # its rows
KINDS = {"4": ("4 heads, softmax", "#d55e00", "s"), "64": ("64 heads, polynomial", "#0072b2", "o")}
COLUMNS = {
    "probe accuracy": "accuracy of a probe, %",
    "SNR": "signal-to-noise ratio",
    "noise per head": "noise of a head, fields",
}
LIMITS = {"SNR": (1, 5), "noise per head": (0, 24)}


def draw():
    """Returns the figure: probe accuracy, SNR and noise by block, trained and fresh weights."""
    header, rows = table("heads", "What the heads have learned")[0], model_rows()
    figure = matplotlib.figure.Figure((11, 4), layout="constrained", facecolor="white")
    for axes, (column, title) in zip(figure.subplots(1, 3), COLUMNS.items(), strict=True):
        for heads, (label, colour, marker) in KINDS.items():
            cells = [row[header.index(column)] for row in rows if row[1] == heads]
            trained, fresh = zip(*map(values, cells), strict=True)
            axes.plot(trained, marker + "-", color=colour, linewidth=2.2, label=label)
            axes.plot(fresh, marker + ":", color=colour, alpha=0.6, markersize=4)
        axes.set_xticks(range(7))
        axes.tick_params(labelsize=11.5)
        axes.set_xlabel("block", fontsize=12)
        axes.set_title(title, fontsize=13, weight="bold")
        axes.set_ylim(*LIMITS.get(column, (None, None)))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(True, color="#e5e5e5")
        axes.set_axisbelow(True)
    figure.axes[1].plot([], [], ":", color="#555555", label="fresh weights")
    figure.axes[1].legend(frameon=False, fontsize=11, loc="upper left")
    return figure


def model_rows():
    """The rows of the model; an empty first cell repeats the one above."""
    found, name = [], ""
    for row in table("heads", "What the heads have learned")[2:]:
        name = row[0] or name
        if name == MODEL:
            found.append(row)
    return found


def values(cell):
    """The number of the trained model, and the one in brackets, of fresh weights."""
    trained, fresh = re.fullmatch(r"([\d.]+)(?: %)? \(([\d.]+)\)", cell).groups()
    return float(trained), float(fresh)
