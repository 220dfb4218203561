"""Describes a model of the zoo, trained weights, a run or a file of weights.

cctzoo describe cct_lsmha
cctzoo describe cct_2_3x2_32.cifar10
cctzoo describe runs/MY_RUN
cctzoo describe model.keras --json
"""

import argparse
import dataclasses
from typing import Any

from cctzoo import cli, weights
from cctzoo.messages import printable
from cctzoo.models import multiply_accumulates
from cctzoo.runs import open_model
from cctzoo.weights.registry import WEIGHTS


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    cli.show_notices("stderr" if options.json else "stdout")
    with cli.exit_on_error(parser):
        if options.source in WEIGHTS and not options.json:
            print(weights.describe(options.source))
            return
        figures = figures_of(open_model(options.source))
    if options.json:
        cli.print_json(figures)
    else:
        config = figures.pop("config")
        lines = figures | {name: value for name, value in config.items() if name != "vocabulary"}
        for name, value in lines.items():
            print(f"{name + ':':<25}{printable(str(value))}")


def figures_of(model: Any) -> dict[str, Any]:
    """Name, size and config of a `CCT` or a `SoftCommittee`, as JSON data."""
    members = getattr(model, "members", [model])
    return {
        "name": model.name,
        "input_shape": list(model.input_shape[1:]),
        "output_shape": list(model.output_shape[1:]),
        "parameters": model.count_params(),
        "multiply_accumulates": sum(multiply_accumulates(member.config) for member in members),
        "config": dataclasses.asdict(model.config),
    }


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    parser.add_argument("source", help=cli.SOURCE_HELP)
    cli.add_json_argument(parser)
    return parser
