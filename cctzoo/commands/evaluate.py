"""Evaluates trained weights on a test part, compared with their stated accuracy.

    cctzoo evaluate cct_2_3x2_32.digits
    cctzoo evaluate cct_2_3x2_32.cifar10 --dataset npz:cifar10.npz
    cctzoo evaluate runs/MY_RUN
    cctzoo evaluate model.keras --dataset folder:photos
    cctzoo evaluate --list

Weights with a tag are compared with their published accuracy, those of a run with the accuracy
after its training. `report.html` of a run is written again, unless --dataset or --mirrored is
given.

    cctzoo evaluate runs/MY_RUN --devices 2
    torchrun --nproc-per-node 2 -m cctzoo evaluate runs/MY_RUN
"""

import argparse
import logging
import sys
import time
from typing import Any

import keras

from cctzoo import cli, weights
from cctzoo.data import Dataset
from cctzoo.messages import received
from cctzoo.models import CCT
from cctzoo.models.decisions import check_labels
from cctzoo.runs import Run, is_run, is_variant, load_model_and_data, open_run
from cctzoo.training import evaluation
from cctzoo.training.prediction import predict_in_parts
from cctzoo.training.report import write_run_page
from cctzoo.typing import Array
from cctzoo.weights.registry import WEIGHTS, TrainedWeights

TOLERANCE = 0.001  # of accuracy: backends round differently

logger = logging.getLogger(__name__)


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    if options.list:
        print("\n\n".join(weights.describe(tag) for tag in weights.list_weights()))
        return
    if options.source is None:
        parser.error("a source or --list is required")
    with cli.exit_on_error(parser, status=1), cli.shared_work(options) as processes:
        row = WEIGHTS.get(options.source)
        name = cli.dataset_of(options, options.source)
        if is_variant(options.source):
            raise ValueError(
                "Only trained weights can be evaluated. "
                f"Received: source={options.source!r}, a model with random weights"
            )
        with processes.first_goes_ahead():  # it may have to download weights or data
            model, dataset = load_model_and_data(options.source, name, **cli.data_options(options))
        if dataset is None:
            raise ValueError(
                "A model that is neither a run nor a tag needs --dataset. "
                f"{received(source=options.source)}"
            )
        samples = dataset.for_model(model)
        stated = stated_accuracy(options.source, row)
        start = time.perf_counter()
        labels = check_labels(model.config, samples.y_test, len(samples.x_test), "y_test")
        outputs = predict_in_parts(
            model, samples.x_test, options.batch_size, processes, options.mirrored
        )
        figures = evaluation.figures(outputs, labels, model.config)
        seconds = time.perf_counter() - start
        own = is_run(options.source) and options.dataset is None and not options.mirrored
        if processes.first and own:
            rewrite_page(open_run(options.source), model, dataset, outputs, figures)
    if processes.first:
        print_figures(options, figures, stated, dataset, seconds)
    if stated is not None and figures["accuracy"] < stated - TOLERANCE:
        sys.exit(1)


def print_figures(
    options: argparse.Namespace,
    figures: dict[str, Any],
    stated: float | None,
    dataset: Dataset,
    seconds: float,
) -> None:
    """Prints the accuracy in one line, or all figures as JSON."""
    accuracy, backend = figures["accuracy"], keras.backend.backend()
    if options.json:
        facts = {"source": options.source, "samples": len(dataset.y_test), "stated": stated}
        facts |= figures | {"mirrored": options.mirrored, "backend": backend, "seconds": seconds}
        cli.print_json(facts)
    else:
        mirrored = " and their mirror images" if options.mirrored else ""
        print(
            f"{options.source}: {accuracy:.2%} of {len(dataset.y_test)} test {dataset.kind}"
            f"{mirrored}, stated: {'none' if stated is None else f'{stated:.2%}'} "
            f"({backend}, {seconds:.0f} s)"
        )


def rewrite_page(
    run: Run, model: CCT, dataset: Dataset, outputs: Array, figures: dict[str, Any]
) -> None:
    """Writes the page of a run again, with the figures of this evaluation."""
    figures = {f"test_{name}": value for name, value in figures.items()}
    figures = run.figures | figures | {"test_samples": len(outputs)}
    recipe, history = run.recipe, run.history
    run = Run(run.directory, recipe, figures, history, model, dataset, test_outputs=outputs)
    try:
        write_run_page(run)
    except OSError as error:
        logger.warning("the page of the run is not written again: %s", error)


def stated_accuracy(source: str, row: TrainedWeights | None) -> float | None:
    """Returns the accuracy of a tag or a run that is known, or None."""
    if row is not None:
        return row.accuracy
    return open_run(source).figures["test_accuracy"] if is_run(source) else None


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    add = parser.add_argument
    add("source", nargs="?", help=cli.SOURCE_HELP)
    add("--list", action="store_true", help="describe all trained weights")
    cli.add_data_arguments(parser, default="that of the run or the tag")
    add("--batch-size", type=int, default=100, help="samples per step of the model (100)")
    text = "average the outputs for each image and its mirror image, in twice the time"
    add("--mirrored", action="store_true", help=text)
    cli.add_devices_argument(parser)
    cli.add_json_argument(parser)
    return parser
