"""Draws latency.svg, the picture of the README, from two tables of docs/benchmarks.md.

python docs/images/draw_latency.py
"""

import re
from pathlib import Path

import matplotlib
import matplotlib.figure

FOLDER = Path(__file__).parent
BENCHMARKS = FOLDER.parent / "benchmarks.md"
COLOURS = {"float32": "#1d4e89", "dynamic int8": "#e07a1f"}
HEADS = {"4 heads": "#9ecae1", "16 heads": "#4292c6", "64 heads": "#08306b"}
MODELS = {  # the row of the table, the label in the picture
    "`cct_7_3x1_32`": "cct_7_3x1_32\n7 attention blocks\n4 heads",
    "`cct_lsmha`": "cct_lsmha\n7 attention blocks\n64 heads",
    "**`cct_conv`**": "cct_conv\n3 conv. + 4 attention\n64 heads",
}


def table(heading):
    """The rows below a heading of the page, each a list of its cells as text."""
    section = BENCHMARKS.read_text().split(f"\n### {heading}\n")[1].split("\n## ")[0]
    section = section.split("\n### ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def draw():
    """Returns the figure: the paper's models on the left, heads and prefix on the right."""
    matplotlib.rcParams["svg.hashsalt"] = "cctzoo"  # the same file for the same figures
    figure = matplotlib.figure.Figure((10, 3.9), layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    draw_models(left)
    draw_prefix(right)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.grid(True, color="#e5e5e5")
        axes.set_axisbelow(True)
    return figure


def draw_models(axes):
    rows = table("Many heads and the convolutional prefix")
    cells = {name: row[2] for row in rows for name in MODELS if row[0].startswith(f"{name}:")}
    for i, name in enumerate(MODELS):
        ratios = [float(number) for number in cells[name].replace("*", "").split("/")]
        for offset, ratio, precision in zip((-0.2, 0.2), ratios, COLOURS, strict=True):
            label = precision if i == 0 else None
            axes.bar(i + offset, ratio, 0.38, color=COLOURS[precision], label=label)
            axes.text(i + offset, ratio + 0.03, f"{ratio:.2f}", ha="center", fontsize=9)
    axes.set_xticks(range(len(MODELS)), MODELS.values(), fontsize=8.5)
    axes.set_ylim(0, 2.05)
    axes.set_ylabel("latency relative to cct_7_3x1_32")
    axes.set_title("CCT-7/3x1: LiteRT latency of one image", fontsize=10)
    axes.legend(frameon=False, fontsize=9, loc="upper right")


def draw_prefix(axes):
    rows = table("Heads and prefix on CIFAR-10")
    heads, rows = rows[0][1:], rows[2:]
    for column, name in enumerate(heads, start=1):
        times = [float(re.match(r"[\d.]+", row[column])[0]) for row in rows]
        offsets = [row + 0.27 * (column - 2) for row in range(len(rows))]
        axes.bar(offsets, times, 0.25, color=HEADS[name], label=name)
        for x, time in zip(offsets, times, strict=True):
            axes.text(x, 1.06 * time, f"{time:.2f}", ha="center", fontsize=8)
    axes.set_yscale("log")
    axes.set_ylim(0.1, 14)
    axes.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
    axes.set_xticks(range(len(rows)), [row[0] for row in rows])
    axes.set_xlabel("convolutional blocks in place of the first of 4 attention blocks")
    axes.set_ylabel("milliseconds (log scale)")
    axes.set_title("Width 128, 4 blocks: heads behind a prefix", fontsize=10)
    axes.legend(frameon=False, fontsize=9, loc="upper right")


if __name__ == "__main__":
    draw().savefig(FOLDER / "latency.svg", metadata={"Date": None})
