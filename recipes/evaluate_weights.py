"""Evaluates trained weights on a test part, compared with their published accuracy.

    python recipes/evaluate_weights.py cct_2_3x2_32.digits
    python recipes/evaluate_weights.py cct_2_3x2_32.cifar10 --dataset npz:cifar10.npz
    python recipes/evaluate_weights.py --list

Gives: cct_2_3x2_32.digits, 97.77% of 359 test images; further figures in docs/benchmarks.md. The
exit code is 1 if the accuracy is more than 0.1 points below the published one.
"""

import sys
import time

import keras

from cctzoo import cli, data, models, training, weights
from cctzoo.weights.registry import find

TOLERANCE = 0.001  # of accuracy: backends round differently


def main():
    parser = make_parser()
    options = parser.parse_args()
    cli.show_notices()
    if options.list:
        print("\n\n".join(weights.describe(tag) for tag in weights.list_weights()))
        return
    if options.tag is None:
        parser.error("a tag or --list is required")
    with cli.exit_on_error(parser, status=1):
        row = find(options.tag)
        name = options.dataset or row.dataset
        dataset = data.load(name, validation=0.0, **cli.data_options(options))
        model = models.create_model(row.model, weights=row.tag, classifier_activation=None)
    start = time.perf_counter()
    figures = training.evaluate(model, dataset.x_test, dataset.y_test, options.batch_size)
    seconds = time.perf_counter() - start
    accuracy = figures["accuracy"]
    stated = "none" if row.accuracy is None else f"{row.accuracy:.2%}"
    print(
        f"{row.tag}: {accuracy:.2%} of {len(dataset.y_test)} test {dataset.kind}, "
        f"stated: {stated} ({keras.backend.backend()}, {seconds:.0f} s)"
    )
    if row.accuracy is not None and accuracy < row.accuracy - TOLERANCE:
        sys.exit(1)


def make_parser():
    parser = cli.script_parser(__doc__)
    add = parser.add_argument
    add("tag", nargs="?", help="tag of trained weights, as in cctzoo.weights.list_weights()")
    add("--list", action="store_true", help="describe all trained weights")
    cli.add_data_arguments(parser, default="the one that the weights were trained on")
    add("--batch-size", type=int, default=100)
    return parser


if __name__ == "__main__":
    main()
