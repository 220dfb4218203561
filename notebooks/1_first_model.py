# %% [markdown]
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/YOUR_NAME/cctzoo/blob/main/notebooks/1_first_model.ipynb)
#
# # 1. Train and export your first model
#
# You train a compact convolutional transformer on 1,797 real images of handwritten digits, look at its mistakes,
# export it to LiteRT in two precisions, and compare size, accuracy and latency.
#
# **What it takes**: about two minutes on two CPU cores, no GPU and no download of data. Packages: cctzoo with the
# extras `torch`, `recipes` and `export`. On Colab, the next cell installs them; in a clone, it does nothing.

# %%
# !pip show -q cctzoo || (git clone -q --depth 1 https://github.com/YOUR_NAME/cctzoo source && pip install -q "./source[recipes,export]")

# %%
import os
import shutil
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")  # before Keras is imported; or jax, or tensorflow

import keras
import matplotlib.pyplot as plt
import numpy as np

import cctzoo
from cctzoo import training

BLUE, ORANGE = "#0072b2", "#d55e00"  # colours that colour-blind readers can tell apart

# %% tags=["parameters"]
EPOCHS = 15
PRECISIONS = ["float32", "dynamic_int8"]

# %% [markdown]
# ## The data
#
# The digits come with scikit-learn. cctzoo enlarges their 8 x 8 grey values to 16 x 16 pixels, and divides them
# into a training, a validation and a test part. Any other data set has the same form: `cctzoo.data.load` takes
# folders of photographs, `.npz`, `.csv` and `.jsonl` files, and the names of TensorFlow Datasets.

# %%
digits = cctzoo.data.load("digits")
print({part: len(getattr(digits, f"y_{part}")) for part in ("train", "validation", "test")})

figure, rows = plt.subplots(2, 10, figsize=(9, 2.1))
for label, column in enumerate(rows.T):
    examples = digits.x_train[digits.y_train == label]
    for axes, image in zip(column, examples, strict=False):
        axes.imshow(image, cmap="gray_r")
        axes.set_axis_off()
    column[0].set_title(digits.classes[label], fontsize=10)
plt.show()

# %% [markdown]
# ## The model
#
# `cct_2_3x2_32` is the smallest model of the paper on compact transformers: a tokenizer of two 3 x 3 convolutions
# in place of patches, two transformer blocks, and sequence pooling in place of a class token. Its input takes pixels
# from 0 to 255, because the normalisation is part of the model. `cctzoo.models.model_table()` lists all others.

# %%
print(cctzoo.models.model_table("cct_[27]_3x?_32"))

# %% [markdown]
# ## The training
#
# A **recipe** holds everything that a run depends on. `train` writes a run directory with the recipe, the history,
# the weights and the figures, and a run that was killed resumes from its last epoch.

# %%
directory = Path("runs", "first_model")
shutil.rmtree(directory, ignore_errors=True)  # a run starts in a new directory
recipe = training.preset("digits", epochs=EPOCHS, warmup_epochs=1)
run = training.train(recipe, directory)
print(f"test accuracy: {run.figures['test_accuracy']:.1%} of {run.figures['test_samples']} images")

# %%
epochs = [row["epoch"] for row in run.history]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
for part, prefix, colour in (("training", "", BLUE), ("validation", "val_", ORANGE)):
    left.plot(epochs, [row[f"{prefix}loss"] for row in run.history], "o-", color=colour, label=part)
    shares = [100 * row[f"{prefix}accuracy"] for row in run.history]
    right.plot(epochs, shares, "o-", color=colour, label=part)
left.set(title="loss", xlabel="epoch", ylim=(0, None))
right.set(title="accuracy, %", xlabel="epoch", ylim=(None, 100))
for axes in (left, right):
    axes.grid(alpha=0.3)
left.legend()
plt.show()

# %% [markdown]
# The loss of the training is above that of the validation although the model fits the training images better: label
# smoothing and dropout are part of the training loss only.
#
# ## Its mistakes
#
# A single accuracy hides which classes are confused. Here are the counts of all pairs, and the test images whose true
# class has the lowest probability.

# %%
logits = run.model.predict(digits.x_test, verbose=0)  # (359, 10): trained models return logits
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
found = probabilities.argmax(axis=1)
confusion = np.zeros((10, 10), int)
np.add.at(confusion, (digits.y_test, found), 1)

figure, axes = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
axes.imshow(confusion, cmap="cividis")
for (row, column), count in np.ndenumerate(confusion):
    if count:
        shade = "black" if count > confusion.max() / 2 else "white"
        axes.text(column, row, count, ha="center", va="center", color=shade, fontsize=9)
axes.set(xticks=range(10), yticks=range(10), xlabel="predicted", ylabel="true class")
axes.set_title("test images by true and predicted class")
plt.show()

# %%
certainty = probabilities[np.arange(len(found)), digits.y_test]
worst = certainty.argsort()[:8]
figure, row = plt.subplots(1, 8, figsize=(9, 1.7))
for axes, i in zip(row, worst, strict=True):
    axes.imshow(digits.x_test[i], cmap="gray_r")
    axes.set_title(
        f"a {digits.y_test[i]}: {certainty[i]:.0%}\n{found[i]}: {probabilities[i].max():.0%}",
        fontsize=9,
    )
    axes.set_axis_off()
plt.show()

# %% [markdown]
# ## The export
#
# `to_litert` converts the model to one `.tflite` file and **compares it with Keras before it writes it**: the largest
# difference of an output, the share of test images with the same class, and the accuracy of both. A file that fails the
# comparison does not appear.

# %%
reports = {}
for precision in PRECISIONS:
    reports[precision] = cctzoo.export.to_litert(
        run.model,
        directory / f"digits_{precision}.tflite",
        precision,
        samples=digits.x_test,
        labels=digits.y_test,
        class_names=digits.classes,
    )
    print(reports[precision])

# %% [markdown]
# The latency is measured in a new process, with the models in turn, so that other work on the machine affects all of
# them alike. The ratios carry over to other machines better than the milliseconds.

# %%
files = {f"LiteRT, {precision}": report.path for precision, report in reports.items()}
timed = cctzoo.latency.measure({"Keras": run.model, **files}, runs=30)
print(timed)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.2), layout="constrained", sharey=True)
names = [row.name for row in timed.rows]
sizes = [run.model.count_params() * 4 / 1e3, *(report.bytes / 1e3 for report in reports.values())]
for axes, values, title in (
    (left, [row.median_ms for row in timed.rows], "milliseconds per image (log scale)"),
    (right, sizes, "kilobytes"),
):
    axes.bar_label(
        axes.barh(names, values, color=BLUE), fmt="%.2f" if axes is left else "%.0f", padding=3
    )
    axes.set_title(title, fontsize=10)
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)
left.set_xscale("log")
left.invert_yaxis()
plt.show()

# %% [markdown]
# ## The file is all that is needed
#
# Class names and preprocessing are inside the file. `cctzoo.predict` takes it in place of a model, and the scripts in
# `recipes/device` use it without Keras.

# %%
for prediction in cctzoo.predict(reports[PRECISIONS[-1]].path, digits.x_test[:4], top=2):
    print(prediction)

# %% [markdown]
# From a shell, all of this is one command: `cctzoo train`.
#
# **Next**: [2. Your photographs on a Raspberry Pi](2_photographs_on_a_raspberry_pi.ipynb) trains on a folder of
# photographs and runs the exported file with the script for the device.
