"""Trains the paper's variants of CCT-7/3x1 with one preset, in several sessions if needed.

CCT-7/3x1 with 4 heads, with 16 and 64 heads (LS-MHA), and with 64 heads behind a convolutional
prefix; then prints the test accuracies of the models and of their soft committee. `--minutes`
stops the training; the same command resumes it from the last completed epoch.

    python recipes/benchmarks/compare_heads.py --dataset npz:cifar10.npz --epochs 60 --minutes 10
    python recipes/benchmarks/compare_heads.py --preset cifar100_300 --directory runs/c100

Writes `weights_float16.npz`, of half the size, to the folder of each run.

Gives: not yet run at full size.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832.
"""

import argparse
import sys
import time
from pathlib import Path

import keras
import numpy as np

from cctzoo import models, training
from cctzoo.formats.atomic import atomic_file, write_json

MODELS = {
    "heads4": ("cct_7_3x1_32", {}),
    "heads16": ("cct_lsmha", {"heads": 16}),
    "heads64": ("cct_lsmha", {"heads": 64}),
    "conv_heads64": ("cct_conv", {"heads": 64}),
}


def main():
    options = parse_arguments()
    try:
        for name in options.models:
            prepare(name, options)
        callbacks = [StopAfter(options.minutes)] if options.minutes else []
        runs = {
            name: training.resume(options.directory / name, callbacks=callbacks)
            for name in options.models
        }
    except ValueError as error:
        sys.exit(f"compare_heads.py: {error}")
    except KeyboardInterrupt:
        print(f"\nstopped; the same command resumes {options.directory}")
        return
    for name, run in runs.items():
        with atomic_file(options.directory / name / "weights_float16.npz") as draft:
            weights = {v.path: np.float16(v.numpy()) for v in run.model.weights}
            np.savez(draft, **weights)
    report = compare(runs)
    write_json(options.directory / "report.json", report)
    for name, accuracy in report["test_accuracy"].items():
        print(f"{name:16}{accuracy:10.2%}")


def prepare(name, options):
    """Writes the recipe of a run, or checks that the existing recipe is the same."""
    model, changes = MODELS[name]
    given = {"dataset": options.dataset, "epochs": options.epochs}
    recipe = training.preset(
        options.preset,
        model=model,
        changes=changes,
        seed=options.seed,
        **{field: value for field, value in given.items() if value is not None},
    )
    path = options.directory / name / "recipe.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        recipe.save(path)
    if training.Recipe.load(path) != recipe:
        raise ValueError(
            "A run must resume with the recipe it was started with; choose another --directory. "
            f"Received: path={str(path)!r}, whose recipe differs from these arguments"
        )


class StopAfter(keras.callbacks.Callback):
    """Interrupts the training at the end of the first step after a number of minutes."""

    def __init__(self, minutes):
        super().__init__()
        self.end = time.monotonic() + 60 * minutes

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() > self.end:
            raise KeyboardInterrupt


def compare(runs):
    """Test accuracy of each model and of their committee, with the data and the speed."""
    committee = models.soft_committee(
        [run.model for run in runs.values()], classifier_activation=None
    )
    data = next(iter(runs.values())).dataset
    figures = training.evaluate(committee, data.x_test, data.y_test, batch_size=100)
    accuracies = {name: run.figures["test_accuracy"] for name, run in runs.items()}
    return {
        "test_accuracy": accuracies | {"committee": figures["accuracy"]},
        "samples_per_second": {
            name: run.figures["samples_per_second"] for name, run in runs.items()
        },
        "data": data.name,
        "test_samples": len(data.x_test),
    }


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--models", nargs="+", default=[*MODELS], choices=MODELS)
    add("--preset", default="cifar10_300", choices=sorted(set(training.PRESETS) - {"digits"}))
    add("--dataset", help="name for data.load (default: the preset's)")
    add("--epochs", type=int, help="epochs (default: the preset's)")
    add("--seed", type=int, default=0)
    add("--minutes", type=float, help="stop after this time (default: train to the end)")
    add("--directory", type=Path, default=Path("runs/compare_heads"))
    options = parser.parse_args()
    if options.minutes is not None and options.minutes <= 0:
        parser.exit(2, f"compare_heads.py: --minutes must be positive: {options.minutes}\n")
    return options


if __name__ == "__main__":
    main()
