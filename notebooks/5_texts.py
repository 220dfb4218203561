# %% [markdown]
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/YOUR_NAME/cctzoo/blob/main/notebooks/5_texts.ipynb)
#
# # 5. Texts
#
# The same encoder classifies short texts. You train it on sentences of Python's own documentation, look at the words that
# count, see why padding cannot change an answer, and export a file that carries its vocabulary.
#
# **What it takes**: about two minutes on two CPU cores, no GPU and no download of data. Packages: cctzoo with the
# extras `torch`, `recipes` and `export`. On Colab, the next cell installs them; in a clone, it does nothing.

# %%
# !pip show -q cctzoo || (git clone -q --depth 1 https://github.com/YOUR_NAME/cctzoo source && pip install -q "./source[recipes,export]")

# %%
import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")  # before Keras is imported; or jax, or tensorflow

import matplotlib.pyplot as plt
import numpy as np

import cctzoo
from cctzoo import analysis, training

# %% tags=["parameters"]
EPOCHS = 8
TRAIN = None  # texts to train on; None: all

# %% [markdown]
# ## The data
#
# About 4,100 sentences from the docstrings of Python's standard library; the class is the topic of the module. All
# sentences about one function are in the same part, so that the test part holds no near-copies of training sentences.
# Your own texts: a `.csv` or `.jsonl` file with the columns `text` and `label`, `cctzoo.data.load("mine.csv")`.

# %%
sentences = cctzoo.data.load("docstrings")
print(len(sentences.y_train), "sentences to train,", len(sentences.y_test), "to test")
for label, name in enumerate(sentences.classes):
    example = sentences.x_train[sentences.y_train == label][3]
    print(f"{(sentences.y_train == label).sum():5} {name:12} {example[:80]}")

# %% [markdown]
# ## The training
#
# `text_cct_2_k2` reads pairs of neighbouring words with a convolution. The recipe builds the vocabulary from the training
# part; it is part of the model from then on.

# %%
directory = Path("runs", "texts")
shutil.rmtree(directory, ignore_errors=True)
recipe = training.preset("docstrings", epochs=EPOCHS, warmup_epochs=1, train_samples=TRAIN)
run = training.train(recipe, directory)
most = np.bincount(run.dataset.y_test).max() / len(run.dataset.y_test)
print(f"test accuracy {run.figures['test_accuracy']:.1%}; the most frequent topic alone {most:.1%}")

# %%
names = list(run.figures["class_accuracies"])
shares = [100 * (run.figures["class_accuracies"][name] or 0) for name in names]
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.bar_label(axes.barh(names, shares, color="#0072b2"), fmt="%.0f", padding=3)
axes.invert_yaxis()
axes.set(xlabel="accuracy of the topic, % of its test sentences", xlim=(0, 105))
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# With so few sentences, a bag of words is hard to beat (`recipes/benchmarks/bag_of_words.py` reaches 76 %, and the
# full recipe of 20 epochs 73 to 76 %). What the transformer gives in addition follows.
#
# ## New sentences

# %%
written = [
    "Open a socket and wait for a connection from a client.",
    "Return the square root of x, rounded to the nearest integer.",
    "Parse the date in this string and return it with its time zone.",
]
for prediction in cctzoo.predict(run.model, written, top=3):
    print(prediction)

# %% [markdown]
# ## Which words count
#
# `word_saliency` follows the attention from the pooled result back to the words. A dark word contributes much to the
# result; that does not say for which topic.

# %%
saliency = analysis.word_saliency(run.model, written)
figure, rows = plt.subplots(len(written), 1, figsize=(9, 1.6), layout="constrained")
for axes, words in zip(rows, saliency, strict=True):
    largest = max(share for _, share in words)
    position = 0.0
    for word, share in words:
        depth = share / largest
        axes.text(
            position,
            0.5,
            word,
            family="monospace",
            fontsize=11,
            va="center",
            color="white" if depth > 0.55 else "black",
            bbox={"facecolor": plt.get_cmap("Blues")(0.9 * depth), "edgecolor": "none", "pad": 2},
        )
        position += len(word) + 1.2
    axes.set_xlim(0, 75)
    axes.set_axis_off()
plt.show()

# %% [markdown]
# ## Padding changes nothing
#
# A model takes texts of one length, and fills short ones with padding. Here, no head attends to padding and the pooling leaves it
# out: the same text without any padding gets the same logits.

# %%
text = written[0]
padded = run.model.vocabulary([text])  # (1, 64)
short = padded[:, : int((padded != 1).sum())]  # id 1 is padding
config = run.model.config
print("words:", short.shape[1], "of", config.length)

without = cctzoo.models.CCT(dataclasses.replace(config, length=short.shape[1]))
cctzoo.weights.load_state_dict(without, cctzoo.weights.state_dict(run.model))
difference = np.abs(run.model.predict(padded, verbose=0) - without.predict(short, verbose=0)).max()
print(f"largest difference of a logit: {difference:.1e}")

# %% [markdown]
# ## The export
#
# The `.tflite` file takes token ids; the words are inside it. The script for devices needs it, NumPy and LiteRT only.

# %%
ids = run.dataset.for_model(run.model)
samples, labels = ids.draw("test", 200)
report = cctzoo.export.to_litert(
    run.model,
    directory / "topics.tflite",
    "dynamic_int8",
    samples=samples,
    labels=labels,
    class_names=sentences.classes,
)
print(report)

clones = (Path("source"), Path(cctzoo.__file__).parents[1])  # of Colab, and yours
recipes = next(each / "recipes" / "device" for each in clones if (each / "recipes").is_dir())
script = recipes / "classify_text_tflite.py"
command = [sys.executable, script, report.path, *written, "--top", "2"]
done = subprocess.run(command, capture_output=True, text=True)
print(done.stdout, done.stderr)
done.check_returncode()

# %% [markdown]
# From a shell: `cctzoo train --preset docstrings`, `cctzoo analyse runs/texts` for the words of every class, and
# `cctzoo serve runs/texts` for a page in the browser.
#
# **Next**: back to [1. Train and export your first model](1_first_model.ipynb) with your own data, or on to the guides in
# `docs/guides`.
