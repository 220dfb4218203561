"""Times one image or text through models and exported files, alternately in one process.

    cctzoo latency model_float32.tflite model_dynamic_int8.tflite
    cctzoo latency cct_lsmha cct_polynomial cct_conv --runs 20
    cctzoo latency model.tflite model.onnx --threads 2 --json

Sources are exported files (`.tflite`, `.onnx`, OpenVINO's `.xml`, SavedModel folders), trained
weights, and names of models, which get random weights and run on the Keras backend. The ratios
are relative to the first source.
"""

import argparse
from pathlib import Path

from cctzoo import cli, latency
from cctzoo.runs import is_run, is_variant, open_model
from cctzoo.training.processes import check_alone


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    cli.show_notices("stderr" if options.json else "stdout")
    with cli.exit_on_error(parser):
        check_alone("A measurement of latency")
        if len(set(options.sources)) < len(options.sources):
            raise ValueError(f"Sources must differ. Received: {' '.join(options.sources)}")
        targets = {source: _target(source) for source in options.sources}
        timed = latency.measure(targets, options.threads, options.runs, in_a_row=options.in_a_row)
        if options.to:
            timed.save(options.to)
    if options.json:
        cli.print_json(timed)
    else:
        print(timed)


def _target(source):
    """A source as a target of `latency.measure`: runs and names become Keras models."""
    return open_model(source) if is_run(source) or is_variant(source) else source


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    add = parser.add_argument
    add("sources", nargs="+", metavar="SOURCE", help="exported file, or as `describe` takes it")
    add("--threads", type=int, default=1, help="threads of each runtime (1)")
    add("--runs", type=int, default=50, help="timed runs of each source (50)")
    add("--in-a-row", type=int, default=1, help="of these, runs that follow each other (1)")
    add("--to", type=Path, metavar="FILE", help="also write the report as JSON")
    cli.add_json_argument(parser)
    return parser
