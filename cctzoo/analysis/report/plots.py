"""Plots of an analysis, saved as PNG or SVG by the suffix of the path; each returns its figure.

The colours are safe for colour-blind readers: cividis for amounts, purple and orange for
values around 0, the palette of Okabe and Ito for lines, which also differ in their markers.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cctzoo.analysis.recognition.results import Performance
from cctzoo.plotting import as_label, new_figure, save_figure
from cctzoo.typing import Array, PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure  # `import cctzoo` must not load it

LINES = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "D"), ("#000000", "x"))
READABLE = 20  # an axis with more labels than this has no class names


def field_grid(
    performance: Performance,
    block: int,
    path: PathLike,
    classes: Sequence[str] | None = None,
    units: int = 16,
) -> "Figure":
    """Plots the normalised field matrices of a block, units with most labels first.

    Rows are true labels, columns are outputs. The labels of each matrix are ordered so that
    its clusters lie on the diagonal, where they are framed. Positive fields are orange,
    negative fields are purple.

    Args:
        performance: performance of heads or nodes.
        block: number of the block.
        path: path of the picture.
        classes: names of the classes. Default: their numbers.
        units: largest number of matrices.
    """
    found = performance[block]
    order = np.argsort(-found.labels_per_unit, kind="stable")[:units]
    columns = min(4, len(order))
    rows = -(-len(order) // columns)
    figure = new_figure(2.6 * columns + 1, 2.75 * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(order) :]:
        axes.set_axis_off()
    for axes, unit in zip(grid.flat, order, strict=False):
        image = _draw_fields(axes, found.normalised[unit], found.units[unit], classes)
        axes.set_title(_caption(performance.unit, unit, found.units[unit]), fontsize=10)
    figure.colorbar(image, ax=grid, shrink=0.6, label="field / largest field of the unit")
    figure.suptitle(
        f"block {block}: {len(order)} of {len(found.units)} {_noun(performance.unit)}s; "
        "rows: true label, columns: output",
        fontsize=12,
    )
    save_figure(figure, path, dpi=120)
    return figure


def _draw_fields(axes, fields, unit, classes):
    from matplotlib.patches import Rectangle

    labels = [label for cluster in unit.clusters for label in cluster]
    order = labels + [label for label in range(len(fields)) if label not in labels]
    image = axes.imshow(fields[np.ix_(order, order)], cmap="PuOr_r", vmin=-1, vmax=1)
    start = 0
    for cluster in unit.clusters:
        corner, side = (start - 0.5, start - 0.5), len(cluster)
        axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor="black", linewidth=1.5))
        start += side
    if len(order) <= READABLE:
        names = [str(label) if classes is None else as_label(classes[label], 10) for label in order]
        axes.set_xticks(range(len(order)), names, rotation=90, fontsize=8)
        axes.set_yticks(range(len(order)), names, fontsize=8)
    else:
        axes.set(xticks=[], yticks=[])
    return image


def _caption(kind, unit, found):
    if found.flagged:
        return f"{_noun(kind)} {unit}: no positive field"
    return f"{_noun(kind)} {unit}: clusters {len(found.clusters)}, noise {found.noise}"


def clusters_per_unit(performance: Performance, path: PathLike) -> "Figure":
    """Plots a histogram of the number of clusters per unit, one row for each block."""
    counts = [[len(unit.clusters) for unit in block.units] for block in performance.blocks]
    most = max(max(each) for each in counts)
    figure = new_figure(max(4, 0.35 * most + 2), 1 + 1.1 * len(counts))
    rows = figure.subplots(len(counts), 1, sharex=True, squeeze=False)[:, 0]
    for axes, block, each in zip(rows, performance.blocks, counts, strict=True):
        bars = axes.bar(range(most + 1), np.bincount(each, minlength=most + 1), color=LINES[0][0])
        axes.bar_label(bars, fontsize=7, padding=1)
        axes.margins(y=0.25)
        axes.set_ylabel(f"block {block.block}", fontsize=8)
        axes.set_yticks([])
        axes.spines[["top", "right", "left"]].set_visible(False)
    rows[-1].set_xlabel(f"clusters of a {_noun(performance.unit)}")
    rows[-1].xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(f"number of {_noun(performance.unit)}s", fontsize=10)
    save_figure(figure, path, dpi=120)
    return figure


def label_coverage(
    performance: Performance, path: PathLike, classes: Sequence[str] | None = None
) -> "Figure":
    """Plots how many units of each block recognise each label."""
    coverage = np.stack([block.units_per_label for block in performance.blocks])  # (blocks, C)
    numbers = [str(block.block) for block in performance.blocks]
    figure = new_figure(min(3 + 0.35 * coverage.shape[1], 14), 1.6 + 0.4 * len(numbers))
    axes = figure.subplots()
    image = axes.imshow(coverage, cmap="cividis", vmin=0, aspect="auto")
    _write_numbers(axes, coverage, image)
    axes.set(xlabel="label", ylabel="block")
    axes.set_yticks(range(len(numbers)), numbers)
    if classes is not None and len(classes) <= READABLE:
        names = [as_label(name) for name in classes]
        axes.set_xticks(range(len(classes)), names, rotation=90)
    figure.colorbar(image, ax=axes, label=f"{_noun(performance.unit)}s that recognise it")
    save_figure(figure, path, dpi=120)
    return figure


def along_blocks(performances: Mapping[str, Performance], path: PathLike) -> "Figure":
    """Plots the accuracy of the probe and the SNR by block, one line for each performance.

    Args:
        performances: dict from the name in the legend to a `Performance`.
        path: path of the picture.
    """
    figure = new_figure(9, 3.4)
    left, right = figure.subplots(1, 2)
    for (color, marker), (name, each) in zip(LINES * 3, performances.items(), strict=False):
        numbers = [block.block for block in each.blocks]
        style = {"color": color, "marker": marker, "label": name}
        left.plot(numbers, [100 * block.accuracy for block in each.blocks], **style)
        ratios = [block.signal_to_noise for block in each.blocks]
        right.plot(numbers, [np.nan if ratio is None else ratio for ratio in ratios], **style)
    left.set(xlabel="block", ylabel="accuracy of the probe, %")
    right.set(xlabel="block", ylabel="signal-to-noise ratio")
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    left.legend(fontsize=8)
    save_figure(figure, path, dpi=120)
    return figure


def head_map(scores: Mapping[int, Array], path: PathLike, label: str) -> "Figure":
    """Plots a score of every head as a map of blocks by heads.

    Args:
        scores: dict from block to (N,), for example `head_importance(...)["importance"]`.
        path: path of the picture.
        label: label of the colour bar.
    """
    most = max(len(values) for values in scores.values())
    grid = np.full((len(scores), most), np.nan)
    for row, values in zip(grid, scores.values(), strict=True):
        row[: len(values)] = values
    figure = new_figure(min(3 + 0.3 * most, 14), 1.6 + 0.4 * len(scores))
    axes = figure.subplots()
    image = axes.imshow(grid, cmap="cividis", aspect="auto")
    axes.set(xlabel="head", ylabel="block")
    axes.set_yticks(range(len(scores)), [str(block) for block in scores])
    axes.xaxis.get_major_locator().set_params(integer=True)
    figure.colorbar(image, ax=axes, label=label)
    save_figure(figure, path, dpi=120)
    return figure


def rollout(
    images: Array, maps: Array, path: PathLike, titles: Sequence[str] | None = None
) -> "Figure":
    """Plots images next to their attention rollout, which lies over the image in grey.

    Args:
        images: (n, height, width, channels), pixels 0-255, with 1 or 3 channels.
        maps: (n, H, W), from `attention_rollout`.
        path: path of the picture.
        titles: one title for each image.
    """
    pairs = min(4, len(images))
    rows = -(-len(images) // pairs)
    figure = new_figure(3 * pairs, 1.8 * rows)
    grid = figure.subplots(rows, 2 * pairs, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for i, (image, reach) in enumerate(zip(images, maps, strict=True)):
        plain, over = grid.flat[2 * i], grid.flat[2 * i + 1]
        pixels = np.asarray(image, "float32") / 255
        grey = pixels.mean(axis=-1)
        shown = pixels if pixels.shape[-1] == 3 else grey
        height, width = grey.shape
        plain.imshow(shown, cmap="gray", vmin=0, vmax=1)
        over.imshow(grey, cmap="gray", vmin=0, vmax=1)
        over.imshow(
            reach,
            cmap="cividis",
            alpha=0.65,
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
            interpolation="bilinear",
        )
        if titles is not None:
            plain.set_title(as_label(titles[i]), fontsize=12)
    save_figure(figure, path, dpi=120)
    return figure


def kept_heads(accuracies: Mapping[str, Mapping[int, float]], path: PathLike) -> "Figure":
    """Plots the accuracy against the number of kept heads, one line for each ranking.

    Args:
        accuracies: dict from the name of a ranking to a dict from heads per block to
            accuracy, as returned by `accuracy_by_kept_heads`.
        path: path of the picture.
    """
    figure = new_figure(5, 3.4)
    axes = figure.subplots()
    for (color, marker), (name, each) in zip(LINES * 3, accuracies.items(), strict=False):
        values = [100 * value for value in each.values()]
        axes.plot(list(each), values, color=color, marker=marker, label=name)
    ticks = sorted({count for each in accuracies.values() for count in each})
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set(xlabel="heads kept in every block, without retraining", ylabel="accuracy, %")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    save_figure(figure, path, dpi=120)
    return figure


def _write_numbers(axes, values, image):
    """Writes the values into the cells of a map of at most 30 columns."""
    if values.shape[1] > 30:
        return
    for (row, column), value in np.ndenumerate(values):
        dark = image.norm(value) < 0.5
        shade = "white" if dark else "black"
        axes.text(column, row, value, ha="center", va="center", color=shade, fontsize=7)


def _noun(unit):
    return {"mlp_node": "MLP node"}.get(unit, unit.replace("_", " "))
