"""Draws latencies from the tables of docs/benchmarks and docs/polynomial-attention.md."""

import re
from pathlib import Path

import matplotlib.figure

DOCS = Path(__file__).parents[1]
COLOURS = {"float32": "#0072b2", "dynamic int8": "#d55e00"}
HEADS = {"4 heads": "#9ecae1", "16 heads": "#4292c6", "64 heads": "#08306b"}
KINDS = {"softmax": ("#d55e00", "s"), "polynomial": ("#0072b2", "o")}
MODELS = {  # the row of the table, the label in the picture
    "`cct_7_3x1_32`": "cct_7_3x1_32\n7 attention blocks\n4 heads",
    "`cct_lsmha`": "cct_lsmha\n7 attention blocks\n64 heads",
    "**`cct_conv`**": "cct_conv\n3 conv., 4 attention\n64 heads",
}


def tables(page, heading):
    """The tables below a heading of a page, each a list of rows of cells as text."""
    section = (DOCS / page).read_text().split(f" {heading}\n")[1].split("\n## ")[0]
    section = section.split("\n### ")[0]
    lines = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in each.splitlines()]
        for each in lines
    ]


def table(page, heading):
    """The first table below a heading of a page of benchmarks."""
    return tables(f"benchmarks/{page}.md", heading)[0]


def draw():
    """Returns the figure: the paper's models on the left, heads and prefix on the right."""
    figure = matplotlib.figure.Figure((11, 4.6), layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    draw_models(left)
    draw_prefix(right)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.grid(True, color="#e5e5e5")
        axes.set_axisbelow(True)
    return figure


def draw_models(axes):
    rows = table("latency", "Many heads and the convolutional prefix")
    cells = {name: row[2] for row in rows for name in MODELS if row[0].startswith(f"{name}:")}
    for i, name in enumerate(MODELS):
        ratios = [float(number) for number in cells[name].replace("*", "").split("/")]
        for offset, ratio, precision in zip((-0.2, 0.2), ratios, COLOURS, strict=True):
            label = precision if i == 0 else None
            axes.bar(i + offset, ratio, 0.38, color=COLOURS[precision], label=label)
            axes.text(i + offset, ratio + 0.03, f"{ratio:.2f}", ha="center", fontsize=12)
    axes.set_xticks(range(len(MODELS)), MODELS.values(), fontsize=10)
    axes.set_ylim(0, 2.05)
    axes.set_ylabel("latency relative to cct_7_3x1_32", fontsize=12)
    axes.set_title("CCT-7/3x1: LiteRT latency of one image", fontsize=13.5, weight="bold")
    axes.legend(frameon=False, fontsize=12.5, loc="upper right")


def draw_prefix(axes):
    rows = table("search", "Heads and prefix on CIFAR-10")
    heads, rows = rows[0][1:], rows[2:]
    for column, name in enumerate(heads, start=1):
        times = [float(re.match(r"[\d.]+", row[column])[0]) for row in rows]
        offsets = [row + 0.27 * (column - 2) for row in range(len(rows))]
        axes.bar(offsets, times, 0.25, color=HEADS[name], label=name)
        for x, time in zip(offsets, times, strict=True):
            axes.text(x, 1.06 * time, f"{time:.2f}", ha="center", fontsize=10.5)
    axes.set_yscale("log")
    axes.set_ylim(0.1, 14)
    axes.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
    axes.set_xticks(range(len(rows)), [row[0] for row in rows], fontsize=12)
    axes.set_xlabel("convolutional blocks in place of the first attention blocks", fontsize=12)
    axes.set_ylabel("milliseconds (log scale)", fontsize=12)
    axes.set_title("Width 128, 4 blocks: heads behind a prefix", fontsize=13.5, weight="bold")
    axes.legend(frameon=False, fontsize=12.5, loc="upper right")


def draw_attention():
    """Returns the figure: softmax and polynomial attention over heads and over tokens."""
    by_heads, by_tokens = tables("polynomial-attention.md", "Measured: latency")[:2]
    figure = matplotlib.figure.Figure((11, 4.6), layout="constrained", facecolor="white")
    panels = figure.subplots(1, 2)
    titles = (
        "Latency by number of tokens",
        "Latency by number of heads",
    )
    draw_kinds(panels[0], by_heads, titles[1], "number of heads (256 tokens)")
    draw_kinds(panels[1], by_tokens, titles[0], "number of tokens (64 heads)")
    panels[0].set_ylabel("latency relative to\n4 softmax heads, 256 tokens", fontsize=13)
    return figure


def draw_kinds(axes, rows, title, label):
    values = [int(cell.replace(",", "")) for cell in rows[0][1:]]
    for kind, *cells in rows[2:]:
        colour, marker = KINDS[kind]
        ratios = [float(cell) for cell in cells]
        axes.plot(values, ratios, marker + "-", color=colour, linewidth=2.5, markersize=8)
        for value, ratio in zip(values, ratios, strict=True):
            above = kind == "softmax"
            aside = -16 if above and value > values[0] else 0  # of the rising line
            axes.annotate(
                f"{ratio:.3g}",
                (value, ratio),
                (aside, 9 if above else -19),
                textcoords="offset points",
                ha="center",
                fontsize=12.5,
                color=colour,
            )
        axes.annotate(
            kind,
            (values[-2], ratios[-2]),
            (-8, 30) if kind == "softmax" else (0, -42),
            textcoords="offset points",
            ha="right" if kind == "softmax" else "center",
            fontsize=15,
            weight="bold",
            color=colour,
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(values, [f"{value:,}" for value in values])
    low, high = axes.get_ylim()
    axes.set_ylim(low / 1.6, high * 1.4)
    axes.margins(x=0.08)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.tick_params(labelsize=12.5)
    axes.set_xlabel(label, fontsize=13)
    axes.set_title(title, fontsize=13.5, weight="bold")
    axes.grid(True, color="#e5e5e5")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
