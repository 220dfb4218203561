"""Classifies images or texts with a trained model or an exported file.

    cctzoo predict cct_2_3x2_32.cifar10 photo.jpg
    cctzoo predict runs/MY_RUN photos/ --top 3 --csv predictions.csv
    cctzoo predict model.tflite photos/ --json
    cctzoo predict runs/MY_TEXT_RUN "a text" "another text"
    cctzoo predict runs/MY_TEXT_RUN --lines texts.txt

Prints one line per image or text, the most probable class first. Images that cannot be read are
named, the others are classified, and the exit code is 1.
"""

import argparse
import csv
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from cctzoo import cli
from cctzoo.formats.atomic import atomic_file
from cctzoo.messages import printable
from cctzoo.prediction.predictions import Prediction, classify
from cctzoo.training.processes import check_alone


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    cli.show_notices("stderr")
    unread = []
    with cli.exit_on_error(parser):
        check_alone("Prediction")
        samples = [*options.samples, *(read_lines(options.lines) if options.lines else [])]
        if not samples:
            raise ValueError("There must be something to classify. Received: no SAMPLE, no --lines")
        found = classify(
            options.model, samples, options.top, options.batch_size, unread, options.resize
        )
        if options.csv:
            write_csv(found, options.csv)
        if options.json:
            cli.print_json([dataclasses.asdict(each) for each in found])
        elif not options.csv:
            print("\n".join(printable(str(each)) for each in found))
    for line in unread:
        print(f"{parser.prog}: skipped {printable(line)}", file=sys.stderr)
    if unread:
        sys.exit(1)


def read_lines(path: Path) -> list[str]:
    """The lines of a file, or of the standard input for "-"; empty lines are texts, too."""
    if path == Path("-"):
        return sys.stdin.read().splitlines()
    return path.read_text(encoding="utf-8-sig").splitlines()


def write_csv(predictions: Sequence[Prediction], path: Path) -> None:
    """One row per sample: its source, then each class and its probability."""
    most = max((len(each.classes) for each in predictions), default=0)
    header = [f"{what}_{rank}" for rank in range(1, most + 1) for what in ("class", "probability")]
    with atomic_file(path) as draft, open(draft, "w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["sample", *header])
        for each in predictions:
            ranked = zip(each.classes, each.probabilities, strict=True)
            rows.writerow([each.source, *(cell for pair in ranked for cell in pair)])


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    add = parser.add_argument
    add(
        "model",
        help="run directory, tag of trained weights, .keras or .safetensors file, hf://user/name, "
        "exported .tflite, .onnx or .xml file, or SavedModel folder",
    )
    add("samples", nargs="*", metavar="SAMPLE", help="image file or folder; a text for text models")
    add("--lines", type=Path, metavar="FILE", help="file with a sample per line; - for stdin")
    add("--top", type=int, default=5, help="classes per sample (5)")
    add("--resize", action="store_true", help="resize images for a model without a view")
    add("--batch-size", type=int, default=64, help="samples per step of the model (64)")
    add("--csv", type=Path, metavar="FILE", help="write the classes to a CSV file")
    cli.add_json_argument(parser)
    return parser
