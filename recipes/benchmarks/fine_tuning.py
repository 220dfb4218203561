"""Fine-tuning on small data sets: accuracy by learning rate, batch size, steps and frozen part.

    KERAS_BACKEND=torch OMP_NUM_THREADS=1 python recipes/benchmarks/fine_tuning.py
    python recipes/benchmarks/fine_tuning.py --sets digits npz:mine.npz --rates 1e-3 --batches 8 16

The set `drawn` is made of 240 JPEG pictures of 120x60 pixels with a round, a wide or a tall
ellipse in random colours on a noisy background, and 150 more for the test. `digits` has 200 of
scikit-learn's digits for training. Every other set is a name as in `data.load`. Each run starts
from the weights of a tag and prints one line of CSV; a mean over the seeds follows at the end.

Gives: docs/benchmarks/training.md, and the numbers in cctzoo/training/fine_tuning.py.
"""

import argparse
import dataclasses
import itertools
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import keras
import numpy as np

from cctzoo import training
from cctzoo.training.build import build_model, compile_model, training_model
from cctzoo.weights import open_weights

AXES = {"round": (1.0, 1.0), "wide": (1.45, 0.7), "tall": (0.7, 1.45)}


class Freeze(keras.callbacks.Callback):
    """Trains only the classifier in the first epochs. PyTorch only: nothing is compiled."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        for layer in self.model.model.layers:
            layer.trainable = epoch >= self.epochs or layer.name == "classifier"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--start-from", default="cct_2_3x2_32.cifar10", help="the trained weights")
    add("--sets", nargs="+", default=["drawn", "digits"], help="data sets")
    add("--rates", nargs="+", type=float, default=[1e-4, 3e-4, 1e-3, 3e-3], help="learning rates")
    add("--batches", nargs="+", type=int, default=[16], help="batch sizes")
    add("--steps", nargs="+", type=int, default=[300], help="steps of a run, about")
    add("--frozen", nargs="+", type=float, default=[0], help="part of the epochs that are frozen")
    add("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    found = defaultdict(list)
    print("set,images,rate,batch,epochs,frozen epochs,seed,accuracy,CPU seconds", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in options.sets:
            fields = data_fields(name, Path(folder), options.start_from)
            grid = options.rates, options.batches, options.steps, options.frozen, options.seeds
            for rate, batch, steps, frozen, seed in itertools.product(*grid):
                key = name, rate, batch, steps, frozen
                found[key].append(run(name, fields, *key[1:], seed, options.start_from))
    for (name, rate, batch, steps, frozen), values in found.items():
        spread = statistics.stdev(values) if len(values) > 1 else 0
        print(
            f"{name}: rate {rate:g}, batch {batch}, {steps} steps, {frozen:g} frozen: "
            f"{statistics.mean(values):.1%} +- {spread:.1%}"
        )


def run(name, fields, rate, batch, steps, frozen, seed, start_from):
    """Trains once; returns the test accuracy."""
    recipe = training.Recipe(start_from=start_from, seed=seed, learning_rate=rate, **fields)
    dataset = recipe.load_data()
    images = len(dataset.x_train)
    epochs = max(2, round(steps / (images // batch)))
    recipe = dataclasses.replace(recipe.with_epochs(epochs), batch_size=batch)
    keras.utils.set_random_seed(seed)
    model = build_model(recipe, dataset)
    trained = training_model(model, recipe, dataset)
    compile_model(trained, recipe, images // batch)
    first, start = round(frozen * epochs), time.process_time()
    trained.optimizer.build(trained.trainable_variables)
    trained.fit(
        dataset.batches(batch, recipe.augmentation, seed=seed),
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[Freeze(first)] if first else [],
    )
    seconds = time.process_time() - start
    accuracy = training.evaluate(model, dataset.x_test, dataset.y_test)["accuracy"]
    row = name, images, rate, batch, epochs, first, seed, f"{accuracy:.4f}", f"{seconds:.0f}"
    print(*row, sep=",", flush=True)
    return accuracy


def data_fields(name, folder, start_from):
    """Returns the fields of the recipe for a set; `drawn` is drawn into the folder."""
    if name == "digits":
        return {"dataset": "digits", "train_samples": 200}
    if name != "drawn":
        return {"dataset": name}
    rng = np.random.default_rng(0)
    for part, count in {"train": 80, "test": 50}.items():
        for kind in AXES:
            (folder / part / kind).mkdir(parents=True)
            for index in range(count):
                draw(rng, *AXES[kind]).save(folder / part / kind / f"{index}.jpg")
    with open_weights(start_from) as source:
        return {"dataset": f"folder:{folder}", "image_size": source.config.input_shape[0]}


def draw(rng, width, height):
    """Returns a picture of 120x60 pixels with an ellipse of these relative axes."""
    from PIL import Image

    y, x = np.mgrid[:60, :120] - np.array([30, 60]).reshape(2, 1, 1) - rng.uniform(-5, 5, (2, 1, 1))
    radius = rng.uniform(12, 17)
    inside = (x / (radius * width)) ** 2 + (y / (radius * height)) ** 2 < 1
    paper, ink = rng.uniform(0, 255, (2, 3))
    pixels = np.where(inside[..., None], ink, paper) + rng.normal(0, 25, (60, 120, 3))
    return Image.fromarray(pixels.clip(0, 255).astype("uint8"))


if __name__ == "__main__":
    main()
