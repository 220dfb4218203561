"""Measures trained weights on a test part, beside the accuracy that is stated of them.

    python recipes/evaluate_weights.py cct_2_3x2_32.digits
    python recipes/evaluate_weights.py cct_2_3x2_32.cifar10 --dataset npz:cifar10.npz
    python recipes/evaluate_weights.py --list

Gives: docs/benchmarks.md has what came out. Ends with exit code 1 if the accuracy is more than
0.1 points below the stated one.
"""

import argparse
import sys
import time

import keras

from cctzoo import data, models, weights
from cctzoo.training import evaluation
from cctzoo.weights.registry import find

TOLERANCE = 0.001  # of accuracy: backends round differently


def main():
    options = parse_arguments()
    if options.list:
        print("\n\n".join(weights.describe(tag) for tag in weights.list_weights()))
        return
    try:
        row = find(options.tag)
        dataset = data.load(options.dataset or row.dataset, validation=0.0)
        model = models.create_model(row.model, weights=row.tag, classifier_activation=None)
    except (ValueError, OSError, ImportError) as error:
        sys.exit(f"evaluate_weights.py: {error}")
    start = time.perf_counter()
    logits = evaluation.predict(model, dataset.x_test, options.batch_size)
    seconds = time.perf_counter() - start
    accuracy = evaluation.figures(logits, dataset.y_test)["accuracy"]
    stated = "none" if row.accuracy is None else f"{row.accuracy:.2%}"
    print(
        f"{row.tag}: {accuracy:.2%} of {len(logits)} test images, stated: {stated} "
        f"({keras.backend.backend()}, {seconds:.0f} s)"
    )
    if row.accuracy is not None and accuracy < row.accuracy - TOLERANCE:
        sys.exit(1)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("tag", nargs="?", help="of cctzoo.weights.list_weights()")
    add("--list", action="store_true", help="describe all there are")
    add("--dataset", help="as in data.load (default: what they were trained on)")
    add("--batch-size", type=int, default=100)
    options = parser.parse_args()
    if not options.list and options.tag is None:
        parser.error("a tag, or --list")
    return options


if __name__ == "__main__":
    main()
