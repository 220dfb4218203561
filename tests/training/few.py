"""Helpers: a recipe that trains a tiny model in seconds, and the history of a run."""

import csv
import os

import keras

from cctzoo import data, training

TINY = {"depth": 1, "embed_dim": 16, "heads": 2, "attention_dropout": 0.1}


def few_digits(**changes):
    options = {
        "changes": TINY,
        "epochs": 2,
        "warmup_epochs": 1,
        "batch_size": 16,
        "train_samples": 100,
        "test_samples": 51,
        "augmentation": data.Augmentation(crop_padding=2, flip=True),
        "seed": 1,
    }
    return training.Recipe(**options | changes)


def stopped_by(number, step):
    """Returns a callback that sends this process a signal after a number of steps."""
    steps = []

    def count(batch, logs=None):
        steps.append(batch)
        if len(steps) == step:
            os.kill(os.getpid(), number)

    return keras.callbacks.LambdaCallback(on_train_batch_end=count)


def history_of(directory):
    """Returns the rows of history.csv."""
    with open(directory / "history.csv", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
