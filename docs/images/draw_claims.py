"""Draws accuracy by number of heads, and early learning, from docs/ (tables and results)."""

import csv

import matplotlib.figure
from draw_latency import DOCS, KINDS, tables

CURVES = {  # a file of docs/results: label, colour
    "cct_polynomial_cifar10": ("cct_polynomial: no convolutions", "#9ecae1"),
    "cct_conv_polynomial_cifar10": ("cct_conv_polynomial: 3 convolutions", "#4292c6"),
    "cct_conv6_polynomial_cifar10": ("cct_conv6_polynomial: 6 convolutions", "#08306b"),
}
EPOCHS = 15  # of the curves


def draw():
    """Returns the figure: heads on two data sets, and validation accuracy by epoch."""
    figure = matplotlib.figure.Figure((11, 4.2), layout="constrained", facecolor="white")
    images, noisy, early = figure.subplots(1, 3, width_ratios=[1, 0.9, 1.1])
    cifar10, cifar100 = tables("polynomial-attention.md", "Measured: accuracy")[:2]
    draw_heads(images, cifar10, "CIFAR-10, after 8 epochs")
    draw_heads(noisy, cifar100, "CIFAR-100, after 8 epochs")
    images.set_ylabel("test accuracy, %", fontsize=12)
    images.legend(frameon=False, fontsize=11.5, loc="upper left")
    draw_curves(early)
    for axes in (images, noisy, early):
        axes.tick_params(labelsize=11.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.grid(True, color="#e5e5e5")
        axes.set_axisbelow(True)
    return figure


def draw_heads(axes, rows, title):
    """Mean and standard deviation of each kind of attention over the number of heads."""
    header, _, *rows = rows
    places = range(len(rows))
    for column, (kind, (colour, marker)) in enumerate(KINDS.items(), 1):
        assert header[column] == kind
        pairs = [row[column].removesuffix(" %").split(" ± ") for row in rows]
        means, deviations = zip(*(map(float, pair) for pair in pairs), strict=True)
        shifted = [place + 0.12 * (column - 1.5) for place in places]
        axes.errorbar(
            shifted, means, deviations, color=colour, marker=marker, capsize=3, label=kind
        )
    axes.set_xticks(places, [row[0] for row in rows])
    axes.set_xlabel("heads, of the same total width", fontsize=12)
    axes.set_title(title, fontsize=13, weight="bold")


def draw_curves(axes):
    """Validation accuracy by epoch of models trained alike, up to the length of the training."""
    for name, (label, colour) in CURVES.items():
        with open(DOCS / "results" / f"{name}.csv", newline="") as file:
            rows = [row for row in csv.DictReader(file) if int(row["epoch"]) <= EPOCHS]
        epochs = [int(row["epoch"]) for row in rows]
        axes.plot(epochs, [100 * float(row["val_accuracy"]) for row in rows], "o-", ms=3.5)
        axes.lines[-1].set(color=colour, label=label)
    axes.set_xticks([1, 5, 10, 15])
    axes.set_ylim(50, None)
    axes.set_xlabel("epoch", fontsize=12)
    axes.set_ylabel("validation accuracy, %", fontsize=12)
    axes.set_title("CIFAR-10, the first epochs", fontsize=13, weight="bold")
    axes.legend(frameon=False, fontsize=10.5, loc="lower right")
