"""Plots of a run: its curves and its confusion matrix."""

import numpy as np

from cctzoo.plotting import as_label, new_figure, save_figure
from cctzoo.typing import Array, PathLike


def plot_curves(history: list[dict[str, float]], path: PathLike) -> None:
    """Plots loss and accuracy of training and validation over the epochs.

    Args:
        history: a dict of figures per epoch.
        path: the PNG file.
    """
    epochs = [row["epoch"] for row in history]
    figure = new_figure(9, 3.5)
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, prefix in (("training", ""), ("validation", "val_")):
            if prefix + quantity in history[0]:
                values = [row[prefix + quantity] for row in history]
                axes.plot(epochs, values, marker="." if len(history) < 60 else None, label=part)
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.grid(alpha=0.3)
        axes.legend()
    save_figure(figure, path)


def plot_confusion(matrix: Array, classes: list[str], path: PathLike) -> None:
    """Plots a confusion matrix: true classes in rows, each row normalised to a sum of 1.

    Args:
        matrix: (classes, classes) counts.
        classes: the class names.
        path: the PNG file.
    """
    parts = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    count = len(classes)
    side = min(4 + 0.25 * count, 16)
    figure = new_figure(side, side)
    axes = figure.subplots()
    image = axes.imshow(parts, cmap="viridis", vmin=0, vmax=1)
    axes.set(xlabel="predicted", ylabel="true")
    if count <= 50:  # more names are not legible
        names = [as_label(name) for name in classes]
        axes.set_xticks(range(count), names, rotation=90)
        axes.set_yticks(range(count), names)
    if count <= 20:
        for row, column in np.argwhere(matrix):
            shade = "black" if parts[row, column] > 0.5 else "white"
            text = f"{100 * parts[row, column]:.0f}"
            axes.text(column, row, text, ha="center", va="center", color=shade, fontsize=7)
    figure.colorbar(image, ax=axes, shrink=0.8, label="part of the true class")
    save_figure(figure, path)
