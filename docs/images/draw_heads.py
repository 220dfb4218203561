"""Draws what heads learn: single-head performance and attention rollout, before and after training.

Both are of one model with 64 heads, which is trained on digits here: one minute on two cores.
"""

import functools
import tempfile
from pathlib import Path

import keras
import matplotlib.figure
import numpy as np
from matplotlib.patches import Rectangle

from cctzoo import analysis, training

HEADS, EPOCHS, BLOCK = 64, 12, 1
SAMPLES = 900, 300  # that the probe is trained on, that the fields are means of
COLOURS = {"before training": "#d55e00", "after training": "#0072b2"}


class Start(keras.callbacks.Callback):
    """Keeps the weights with which a training starts."""

    def on_train_begin(self, logs=None):
        self.weights = {
            weight.path: keras.ops.convert_to_numpy(weight) for weight in self.model.weights
        }


@functools.cache
def trained_model():
    """The trained model, its weights before and after the training, the data, the accuracy."""
    recipe = training.preset("digits", epochs=EPOCHS, warmup_epochs=1, changes={"heads": HEADS})
    start = Start()
    with tempfile.TemporaryDirectory() as folder:
        run = training.train(recipe, Path(folder, "run"), callbacks=[start])
    before = [start.weights[weight.path] for weight in run.model.weights]
    weights = {"before training": before, "after training": run.model.get_weights()}
    return run.model, weights, run.dataset, run.figures["test_accuracy"]


def performances():
    """Single-head performance of the last block before and after the training."""
    model, weights, digits, _ = trained_model()
    train, test = digits.draw("train", SAMPLES[0]), digits.draw("test", SAMPLES[1])
    found = {}
    for name, each in weights.items():
        model.set_weights(each)
        found[name] = analysis.single_head_performance(model, train, test, blocks=BLOCK)[BLOCK]
    return found


def typical_head(block):
    """The head with the median noise, so that nobody chose a beautiful one."""
    noise = [unit.noise for unit in block.units]
    return int(np.argsort(noise, kind="stable")[len(noise) // 2])


def draw_shp():
    """Returns the figure: the fields of one head before and after training; noise of all heads."""
    found, (_, _, digits, accuracy) = performances(), trained_model()
    head = typical_head(found["after training"])
    figure = matplotlib.figure.Figure((11, 4.3), layout="constrained", facecolor="white")
    *panels, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.15])
    for axes, (name, block) in zip(panels, found.items(), strict=True):
        image = draw_fields(axes, block, head, digits.classes)
        axes.set_title(f"head {head} {name}", fontsize=13, weight="bold", color=COLOURS[name])
    panels[0].set_ylabel("true label", fontsize=12)
    bar = figure.colorbar(image, ax=panels, shrink=0.75, ticks=[-1, 0, 1])
    bar.set_label("field / largest field", fontsize=11)
    bar.ax.tick_params(labelsize=11)
    draw_noise(right, found)
    figure.suptitle(
        f"Single-head performance: {HEADS} narrow heads, block {BLOCK}, digits "
        f"(accuracy {accuracy:.1%})",
        fontsize=14,
        weight="bold",
    )
    return figure


def draw_fields(axes, block, head, classes):
    unit = block.units[head]
    first = [label for cluster in unit.clusters for label in cluster]
    order = first + [label for label in range(len(classes)) if label not in first]
    fields = block.normalised[head][np.ix_(order, order)]
    image = axes.imshow(fields, cmap="PuOr_r", vmin=-1, vmax=1)
    corner = -0.5
    for cluster in unit.clusters:
        axes.add_patch(Rectangle((corner, corner), len(cluster), len(cluster), fill=False, lw=2.2))
        corner += len(cluster)
    names = [classes[label] for label in order]
    axes.set_xticks(range(len(order)), names, fontsize=12)
    axes.set_yticks(range(len(order)), names, fontsize=12)
    axes.set_xlabel(f"output; framed: recognised\nnoise: {unit.noise} elements", fontsize=12)
    return image


def draw_noise(axes, found):
    noise = {name: [unit.noise for unit in block.units] for name, block in found.items()}
    edges = np.arange(0, max(map(max, noise.values())) + 3, 2)
    for row, (name, values) in enumerate(noise.items()):
        colour = COLOURS[name]
        axes.hist(values, edges, color=colour, alpha=0.35)
        axes.hist(values, edges, color=colour, histtype="step", lw=2.2)
        text = f"{name}: mean {np.mean(values):.1f}"
        axes.text(
            0.99, 0.9 - 0.09 * row, text, transform=axes.transAxes, ha="right", color=colour,
            fontsize=13, weight="bold",
        )  # fmt: skip
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("noise of a head: large fields\noutside of its labels", fontsize=12)
    axes.set_ylabel("heads", fontsize=12)
    axes.tick_params(labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)


def draw_rollout():
    """Returns the figure: test images, and their attention rollout before and after training."""
    model, weights, digits, _ = trained_model()
    images, labels = digits.draw("test", 10, seed=3)
    images = images[np.argsort(labels)]
    figure = matplotlib.figure.Figure((11, 4.2), layout="constrained", facecolor="white")
    rows = figure.subplots(3, len(images))
    for axes, image in zip(rows[0], images, strict=True):
        axes.imshow(image, cmap="gray")
    for row, each in zip(rows[1:], weights.values(), strict=True):
        model.set_weights(each)
        for axes, image, reach in zip(
            row, images, analysis.attention_rollout(model, images), strict=True
        ):
            draw_reach(axes, image, reach)
    for row, name in zip(rows, ("image", *weights), strict=True):
        row[0].set_ylabel(name.replace(" ", "\n"), fontsize=14, color=COLOURS.get(name, "black"))
    for axes in rows.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    figure.suptitle(
        "Attention rollout, 64 heads, digits: yellow parts contribute most to the result",
        fontsize=15,
        weight="bold",
    )
    return figure


def draw_reach(axes, image, reach):
    height, width = image.shape[:2]
    axes.imshow(image.mean(axis=-1), cmap="gray", vmin=0, vmax=255)
    axes.imshow(
        reach,
        cmap="cividis",
        alpha=0.65,
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        interpolation="bilinear",
    )
