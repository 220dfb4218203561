"""Pictures of a run: its curves, and its confusion matrix."""

import csv

import numpy as np


def plot_curves(history, path):
    """Loss and accuracy of training and validation over the epochs, from a CSV to a PNG."""
    with open(history, newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) for row in rows]
    figure = _figure((9, 3.5))
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, prefix in (("training", ""), ("validation", "val_")):
            if prefix + quantity in rows[0]:
                values = [float(row[prefix + quantity]) for row in rows]
                axes.plot(epochs, values, marker="." if len(rows) < 60 else None, label=part)
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=150)


def plot_confusion(matrix, classes, path):
    """Rows are true classes, columns predicted ones, each row as parts of its sum."""
    parts = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    count = len(classes)
    side = min(4 + 0.25 * count, 16)
    figure = _figure((side, side))
    axes = figure.subplots()
    image = axes.imshow(parts, cmap="viridis", vmin=0, vmax=1)
    axes.set(xlabel="predicted", ylabel="true")
    if count <= 50:  # more names than that cannot be read
        axes.set_xticks(range(count), classes, rotation=90)
        axes.set_yticks(range(count), classes)
    if count <= 20:
        for row, column in np.argwhere(matrix):
            shade = "black" if parts[row, column] > 0.5 else "white"
            text = f"{100 * parts[row, column]:.0f}"
            axes.text(column, row, text, ha="center", va="center", color=shade, fontsize=7)
    figure.colorbar(image, ax=axes, shrink=0.8, label="part of the true class")
    figure.savefig(path, dpi=150)


def _figure(size):
    from matplotlib.figure import Figure  # no pyplot: no display is needed

    return Figure(figsize=size, layout="constrained")
