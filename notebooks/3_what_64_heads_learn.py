# %% [markdown]
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/YOUR_NAME/cctzoo/blob/main/notebooks/3_what_64_heads_learn.ipynb)
#
# # 3. What 64 heads learn
#
# With about as many attention heads as labels, or more, each head specialises in a few labels. You train a model with
# 64 heads, compare its heads with those of the same model before training and with two wide heads, and find out how
# many of the 64 are needed.
#
# **What it takes**: about two minutes on two CPU cores, no GPU and no download of data. Packages: cctzoo with the
# extras `torch` and `recipes`. On Colab, the next cell installs them; in a clone, it does nothing.

# %%
# !pip show -q cctzoo || (git clone -q --depth 1 https://github.com/YOUR_NAME/cctzoo source && pip install -q "./source[recipes]")

# %%
import os
import shutil
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")  # before Keras is imported; or jax, or tensorflow

import keras
import matplotlib.pyplot as plt
import numpy as np

from cctzoo import analysis, models, training

LINES = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"))  # colours of Okabe and Ito

# %% tags=["parameters"]
EPOCHS = 12
TRAIN, TEST = 900, 300  # samples of the probes, and of the fields

# %% [markdown]
# ## Three models
#
# - `64 heads`: `cct_2_3x2_32` with 64 heads of width 2 in each block, trained here on digits;
# - `64 heads, untrained`: the same model with fresh random weights. Some structure appears in random weights as well,
#   and only what goes beyond it was learned;
# - `2 heads`: the weights in the package, trained on the same digits. Its heads are 64 wide.

# %%
directory = Path("runs", "heads_64")
shutil.rmtree(directory, ignore_errors=True)
recipe = training.preset("digits", epochs=EPOCHS, warmup_epochs=1, changes={"heads": 64})
run = training.train(recipe, directory)
keras.utils.set_random_seed(1)
compared = {
    "64 heads": run.model,
    "64 heads, untrained": models.CCT(run.model.config),
    "2 heads": models.cct_2_3x2_32(weights="digits"),
}
digits = run.dataset
train, test = digits.draw("train", TRAIN), digits.draw("test", TEST)
print(f"64 heads: {run.figures['test_accuracy']:.1%} of {run.figures['test_samples']} test images")

# %% [markdown]
# ## What one head says about each label
#
# **Single-head performance (SHP)**: a probe, which is a linear classifier, is trained on the outputs of all heads of a
# block. Then all heads but one are silenced. What remains of output *j* for images of label *i* is the head's
# **field** (*i*, *j*): one matrix of 10 x 10 for each head.
#
# A head **recognises** the labels that form clusters in its matrix; large fields elsewhere are **noise**.

# %%
BLOCK = 1  # the last one
heads = {
    name: analysis.single_head_performance(model, train, test, blocks=BLOCK)[BLOCK]
    for name, model in compared.items()
}
print(f"{'':20} probe  labels per head  heads per label  noise per head  signal-to-noise")
for name, block in heads.items():
    noise = np.mean([unit.noise for unit in block.units])
    print(
        f"{name:20} {block.accuracy:5.1%} {block.labels_per_unit.mean():16.1f} "
        f"{block.units_per_label.mean():16.1f} {noise:15.1f} {block.signal_to_noise:16.2f}"
    )

# %% [markdown]
# Four heads of each model with 64 heads: rows are the true labels, columns the outputs, orange is positive. The labels of
# a head's clusters come first and are framed. Before training, the matrices are stripes: the head gives the same outputs
# whatever the image shows. After training, the rows differ: large fields gather in the frames, and most of the rest is pale.


# %%
def draw_fields(axes, block, unit, classes):
    """Draws the fields of a head, divided by the largest one, with its clusters first."""
    found = block.units[unit]
    first = [label for cluster in found.clusters for label in cluster]
    order = first + [label for label in range(len(classes)) if label not in first]
    fields = block.normalised[unit][np.ix_(order, order)]
    axes.imshow(fields, cmap="PuOr_r", vmin=-1, vmax=1)
    start = -0.5
    for cluster in found.clusters:
        axes.add_patch(
            plt.Rectangle((start, start), len(cluster), len(cluster), fill=False, lw=1.5)
        )
        start += len(cluster)
    names = [classes[label] for label in order]
    axes.set_xticks(range(len(order)), names, fontsize=8)
    axes.set_yticks(range(len(order)), names, fontsize=8)
    axes.set_title(f"head {unit}: {len(first)} labels, noise {found.noise}", fontsize=9)


figure, rows = plt.subplots(2, 4, figsize=(9, 5), layout="constrained")
for row, name in zip(rows, ("64 heads, untrained", "64 heads"), strict=True):
    row[0].set_ylabel(name, fontsize=11)
    typical = np.argsort([unit.noise for unit in heads[name].units], kind="stable")
    for axes, unit in zip(row, typical[24:40:4], strict=True):  # heads in the middle by noise
        draw_fields(axes, heads[name], unit, digits.classes)
plt.show()

# %% [markdown]
# ## How narrow heads share the labels
#
# Two wide heads recognise nearly everything. Of 64 narrow heads, each recognises a few labels, and each label
# is recognised by several heads.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for (name, block), (colour, marker) in zip(heads.items(), LINES, strict=True):
    shares = np.bincount(block.labels_per_unit, minlength=11) / len(block.units)
    left.plot(range(11), 100 * shares, marker + "-", color=colour, label=name)
left.set(xlabel="labels that a head recognises", ylabel="heads, %", xticks=range(11))
left.legend(fontsize=8)
left.grid(alpha=0.3)

recognised = np.zeros((10, 64), bool)  # label, head
for head, unit in enumerate(heads["64 heads"].units):
    recognised[[label for cluster in unit.clusters for label in cluster], head] = True
order = np.lexsort(recognised[::-1])[::-1]
right.imshow(recognised[:, order], cmap="cividis", aspect="auto")
right.set(xlabel="64 heads of the trained model, sorted", ylabel="label", yticks=range(10))
right.set_title("yellow: the head recognises the label", fontsize=10)
plt.show()

# %% [markdown]
# ## Which heads matter
#
# `head_importance` measures in one backward pass how strongly the loss depends on each head. Does a head matter more if it
# recognises more labels? The correlation on the left answers for this model: hardly. On the right, most heads can be left
# out without retraining if the important ones stay. Even one head keeps more than 90 %, because tokenizer and perceptrons
# classify digits as well.

# %%
importance = analysis.head_importance(run.model, *train)
scores, labels = importance["importance"][BLOCK], heads["64 heads"].labels_per_unit
spread = np.random.default_rng(0).uniform(-0.2, 0.2, len(labels))  # so that no point hides another

ranking = analysis.rank_heads(importance)
shuffled = {block: np.random.default_rng(block).permutation(64).tolist() for block in ranking}
rankings = {
    "most important first": ranking,
    "least important first": {b: r[::-1] for b, r in ranking.items()},
    "random order": shuffled,
}

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
left.scatter(labels + spread, scores, s=18, color=LINES[0][0])
correlation = np.corrcoef(labels, scores)[0, 1]
left.set(xlabel="labels that a head recognises", ylabel="importance by gradient")
left.set_title(f"64 heads of block {BLOCK}: correlation {correlation:.2f}", fontsize=10)
for (name, each), (colour, marker) in zip(rankings.items(), LINES, strict=True):
    kept = analysis.accuracy_by_kept_heads(run.model, each, *test)
    right.plot(
        list(kept), [100 * share for share in kept.values()], marker + "-", color=colour, label=name
    )
right.set_xscale("log", base=2)
right.set_xticks(list(kept), list(kept))
right.set(xlabel="heads kept in each block, without retraining", ylabel="accuracy, %")
right.legend(fontsize=8)
for axes in (left, right):
    axes.grid(alpha=0.3)
plt.show()

# %% [markdown]
# `analysis.prune_heads` removes the others for good: the smaller model gives the same outputs as the model in which
# they are silenced.

# %%
smaller = analysis.prune_heads(run.model, {block: order[:16] for block, order in ranking.items()})
right = smaller.predict(test[0], verbose=0).argmax(axis=1) == test[1]
print(
    f"{run.model.count_params():,} parameters with 64 heads, {smaller.count_params():,} with 16: {right.mean():.1%}"
)

# %% [markdown]
# ## Where the model looks
#
# Attention rollout multiplies the attention of all blocks, averaged over the heads: how much does each part of an image
# contribute to the result? It does not say what is found there, nor whether it speaks for or against the class. The model
# divides these images into 4 x 4 tokens, so the map is coarse.

# %%
images, truth = digits.draw("test", 10, seed=3)
maps = analysis.attention_rollout(run.model, images)  # (10, 4, 4)
figure, rows = plt.subplots(2, 10, figsize=(9, 2.1), layout="constrained")
for column, image, reach in zip(rows.T, images, maps, strict=True):
    column[0].imshow(image, cmap="gray")
    column[1].imshow(image, cmap="gray")
    extent = (-0.5, image.shape[1] - 0.5, image.shape[0] - 0.5, -0.5)
    column[1].imshow(reach, cmap="cividis", alpha=0.6, extent=extent, interpolation="bilinear")
    for axes in column:
        axes.set_axis_off()
plt.show()

# %% [markdown]
# `cctzoo analyse runs/heads_64` makes one page of all this for every block. With the images of CIFAR-10, the same cells
# show the 64 heads of the packaged `cct_conv.cifar10_10k`: put `cctzoo.load_model("cct_conv.cifar10_10k")` in place of
# `run.model`, `cctzoo.data.load("cifar10")` (a download of 170 MB) in place of `digits`, and 6 in place of `BLOCK`.
#
# **Next**: [4. The fastest model within a budget](4_the_fastest_model_within_a_budget.ipynb) searches, prunes and exports.
