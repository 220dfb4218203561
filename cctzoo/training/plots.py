"""Plots of a run: its curves and its confusion matrix."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from cctzoo.plotting import as_label, new_figure, save_figure
from cctzoo.typing import Array, PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"training": "#0072b2", "validation": "#d55e00"}  # Okabe and Ito: colour-blind safe


def plot_curves(
    history: list[dict[str, float]],
    path: PathLike,
    *,
    title: str = "Loss and accuracy by epoch",
    note: str | None = None,
) -> "Figure":
    """Plots loss and accuracy of training and validation over the epochs.

    Args:
        history: a dict of figures per epoch.
        path: the file, PNG or another format of matplotlib.
        title: the title of the figure.
        note: a sentence below the curves, e.g. that of `loss_note`.

    Returns:
        The figure.
    """
    epochs = [row["epoch"] for row in history]
    figure = new_figure(9, 4.2 if note else 3.8)
    figure.suptitle(as_label(title, longest=90))
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        scale = 100 if quantity == "accuracy" else 1
        for part, prefix in (("training", ""), ("validation", "val_")):
            if prefix + quantity in history[0]:
                values = [scale * row[prefix + quantity] for row in history]
                marker = "." if len(history) < 60 else None
                axes.plot(epochs, values, marker=marker, color=COLOURS[part], label=part)
        unit = "accuracy in %" if quantity == "accuracy" else quantity
        axes.set(xlabel="epoch", ylabel=unit)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    if note:
        figure.supxlabel(textwrap.fill(note, 110), fontsize="small", color="0.35")
    save_figure(figure, path)
    return figure


def plot_confusion(matrix: Array, classes: list[str], path: PathLike) -> "Figure":
    """Plots a confusion matrix: true classes in rows, each row in percent of its samples.

    Args:
        matrix: (classes, classes) counts.
        classes: the class names.
        path: the file, PNG or another format of matplotlib.

    Returns:
        The figure.
    """
    percent = 100 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    count = len(classes)
    side = min(4 + 0.25 * count, 16)
    figure = new_figure(side, 0.88 * side)
    axes = figure.subplots()
    image = axes.imshow(percent, cmap="cividis", vmin=0, vmax=100)
    axes.set(xlabel="predicted", ylabel="true", title="Confusion: % of each true class")
    if count <= 50:  # more names are not legible
        names = [as_label(name) for name in classes]
        axes.set_xticks(range(count), names, rotation=90)
        axes.set_yticks(range(count), names)
    if count <= 20:
        for row, column in np.argwhere(matrix):
            shade = "black" if percent[row, column] > 50 else "white"
            text = f"{percent[row, column]:.0f}"
            axes.text(column, row, text, ha="center", va="center", color=shade, fontsize=7)
    figure.colorbar(image, ax=axes, shrink=0.8, label="% of the true class")
    save_figure(figure, path)
    return figure
