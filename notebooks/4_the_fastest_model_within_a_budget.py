# %% [markdown]
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/YOUR_NAME/cctzoo/blob/main/notebooks/4_the_fastest_model_within_a_budget.ipynb)
#
# # 4. The fastest model within a budget
#
# You set a latency budget, let a search propose architectures that are timed before they are trained, train the best one
# in full, prune its heads, and export it.
#
# **What it takes**: about four minutes on two CPU cores, no GPU and no download of data. Packages: cctzoo with the
# extras `torch`, `recipes`, `export` and `tune`. On Colab, the next cell installs them; in a clone, it does nothing.

# %%
# !pip show -q cctzoo || (git clone -q --depth 1 https://github.com/YOUR_NAME/cctzoo source && pip install -q "./source[recipes,export,tune]")

# %%
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")  # before Keras is imported; or jax, or tensorflow

import matplotlib.pyplot as plt

import cctzoo
from cctzoo import analysis, models, training

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"

# %% tags=["parameters"]
BUDGET = 0.5  # of the latency of cct_2_3x2_32
TRIALS = 6
PROXY_EPOCHS = 4  # of each trial
EPOCHS = 12  # of the final training
WIDTHS = [64, 128]

# %% [markdown]
# ## The budget
#
# On a device, the budget is given: 30 frames per second leave 33 ms. Here, it is half of the latency of `cct_2_3x2_32` on
# digits with 8 x 8 tokens, measured on this machine, so that the notebook works on any machine.

# %%
folder = Path("runs", "budget")
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
own = models.cct_2_3x2_32(classes=10, input_shape=(16, 16, 1), conv_layers=1)
cctzoo.export.to_litert(own, folder / "own.tflite")  # random weights: they do not change the time
own_ms = cctzoo.latency.measure({"own": folder / "own.tflite"}, runs=50).rows[0].median_ms
budget_ms = BUDGET * own_ms
print(f"cct_2_3x2_32 takes {own_ms:.3f} ms on one thread; the budget is {budget_ms:.3f} ms")

# %% [markdown]
# ## The search
#
# Each trial proposes an architecture, **exports it with random weights and times the file**. A model over the budget is
# not trained. The others are trained for a few epochs only, which is enough to rank them roughly. Every model is timed in
# turn with a small anchor model, so that other work on the machine does not make it look slow.
#
# The space: two blocks, of which up to one may be a convolution; three widths of heads; softmax or
# [polynomial attention](https://github.com/YOUR_NAME/cctzoo/blob/main/docs/polynomial-attention.md).

# %%
search = Path("runs", "search")
shutil.rmtree(search, ignore_errors=True)
flags = {
    "--directory": [search],
    "--budget-ms": [budget_ms],
    "--trials": [TRIALS],
    "--proxy-epochs": [PROXY_EPOCHS],
    "--epochs": [EPOCHS],
    "--warmup-epochs": [0],
    "--depth": [2],
    "--embed-dim": WIDTHS,
    "--heads": [4, 16, 64],
    "--attention": ["softmax", "polynomial"],
    "--conv-prefix": [0, 1],
    "--prefix-kind": ["vgg"],
    "--prefix-pool": ["late"],
    "--batch-size": [32],
    "--latency-runs": [50],
    "--latency-cache": [folder / "latency"],
    "--final": [0],  # the best model is trained below
}
words = [str(word) for flag, values in flags.items() for word in (flag, *values)]
print("cctzoo search", *words)
done = subprocess.run(
    [sys.executable, "-m", "cctzoo", "search", *words], capture_output=True, text=True
)
print(done.stdout if done.returncode == 0 else done.stderr[-3000:])
done.check_returncode()

# %% [markdown]
# The front is what the search is for: no other trained model is both faster and more accurate than one on the front. With
# so few epochs and 143 validation images, differences of two points between models are chance.

# %%
report = json.loads((search / "report.json").read_text())
records = report["records"]
trained = [record for record in records if record["status"] == "trained"]
over = [record["latency_ms"] for record in records if record["status"] == "over budget"]
front = sorted(
    (record for record in trained if record["trial"] in report["front"]),
    key=lambda record: record["latency_ms"],
)
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for kind, colour, marker in (("softmax", BLUE, "o"), ("polynomial", ORANGE, "s")):
    chosen = [record for record in trained if record["values"]["attention"] == kind]
    times = [record["latency_ms"] for record in chosen]
    axes.scatter(
        times,
        [100 * record["accuracy"] for record in chosen],
        color=colour,
        marker=marker,
        label=kind,
        zorder=3,
    )
axes.step(
    [r["latency_ms"] for r in front],
    [100 * r["accuracy"] for r in front],
    where="post",
    color=GREY,
    label="front",
)
axes.axvline(budget_ms, color="black", linestyle="--", label="budget")
axes.plot(
    over, [axes.get_ylim()[0]] * len(over), "x", color=GREY, label="over the budget, not trained"
)
axes.set(xlabel="milliseconds", ylabel=f"validation accuracy after {PROXY_EPOCHS} epochs, %")
axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
axes.grid(alpha=0.3)
plt.show()

# %% [markdown]
# ## Train the best one in full

# %%
from tuning.plan import SearchPlan

best = max(trained, key=lambda record: record["score"])
print(
    {
        name: value
        for name, value in best["values"].items()
        if name in ("embed_dim", "heads", "attention", "conv_prefix")
    }
)
directory = Path("runs", "best")
shutil.rmtree(directory, ignore_errors=True)
plan = SearchPlan.load(search)
run = training.train(plan.full_recipe(best["values"]), directory)
digits = run.dataset
print(f"test accuracy: {run.figures['test_accuracy']:.1%} of {run.figures['test_samples']} images")

# %% [markdown]
# ## Prune its heads
#
# Not all heads are needed. Keep the smallest number with which the validation accuracy falls by at most one point; the
# test part stays out of the choice.

# %%
ranking = analysis.rank_heads(analysis.head_importance(run.model, *digits.draw("train", 300)))
kept = analysis.accuracy_by_kept_heads(run.model, ranking, digits.x_validation, digits.y_validation)
count = min(n for n, accuracy in kept.items() if accuracy >= max(kept.values()) - 0.01)
pruned = analysis.prune_heads(run.model, {block: heads[:count] for block, heads in ranking.items()})
print({n: f"{accuracy:.1%}" for n, accuracy in kept.items()})
print(
    f"keeping {count} heads: {run.model.count_params():,} -> {pruned.count_params():,} parameters"
)

# %% [markdown]
# ## Export, and time everything once more
#
# One measurement, all files in turn.

# %%
files = {"cct_2_3x2_32": folder / "own.tflite"}
accuracies = {}
for name, model, precision in (
    ("best of the search", run.model, "float32"),
    ("pruned", pruned, "float32"),
    ("pruned, int8", pruned, "dynamic_int8"),
):
    files[name] = directory / f"{name.replace(' ', '_').replace(',', '')}.tflite"
    exported = cctzoo.export.to_litert(
        model, files[name], precision, samples=digits.x_test, labels=digits.y_test
    )
    accuracies[name] = exported.accuracy
timed = cctzoo.latency.measure(files, runs=50)
print(timed)

figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained")
times = [row.median_ms for row in timed.rows]
bars = axes.barh([row.name for row in timed.rows], times, color=BLUE)
shares = [
    f"{accuracies[row.name]:.1%}" if row.name in accuracies else "not trained" for row in timed.rows
]
axes.bar_label(
    bars,
    [f"{ms:.3f} ms, {share}" for ms, share in zip(times, shares, strict=True)],
    padding=3,
    fontsize=9,
)
axes.axvline(budget_ms, color="black", linestyle="--")
axes.set(
    xlabel="milliseconds of one image on one thread; dashed: the budget",
    xlim=(0, 1.35 * max(times)),
)
axes.invert_yaxis()
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# For your own data and budget, one command does the search, the final training, the exports and the measurement:
#
# ```sh
# cctzoo search --dataset folder:photographs --budget-ms 5 --trials 40
# ```
#
# With `--latency-command`, the models are timed on a phone or a board in place of this machine.
#
# **Next**: [5. Texts](5_texts.ipynb) uses the same encoder for sentences.
