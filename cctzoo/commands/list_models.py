"""Lists the models of the zoo, or trained weights, whose names match shell patterns.

cctzoo list
cctzoo list "cct_*_32" "text_*" --exclude "*_sine"
cctzoo list --weights
cctzoo list --json
"""

import argparse

from cctzoo import cli, models
from cctzoo.weights.registry import WEIGHTS


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    names = models.list_models(options.patterns or "*", options.weights, options.exclude)
    if not names:
        what = "tag of trained weights" if options.weights else "model"
        parser.exit(1, f"{parser.prog}: no {what} matches {' '.join(options.patterns) or '*'}\n")
    if options.json:
        cli.print_json(names)
    elif options.weights:
        width = max(map(len, names), default=0)
        for tag in names:
            row = WEIGHTS[tag]
            accuracy = "not stated" if row.accuracy is None else f"{row.accuracy:.2%}"
            place = "in the package" if row.url is None else "downloaded on first use"
            print(f"{tag:<{width}}  {row.dataset:<16}  {accuracy:>10}  {place}")
    else:
        print(models.model_table(options.patterns or "*", options.exclude))


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    add = parser.add_argument
    add("patterns", nargs="*", metavar="PATTERN", help="shell patterns of names (*)")
    add("--exclude", nargs="+", default=(), metavar="PATTERN", help="patterns to leave out")
    add("--weights", action="store_true", help="tags of trained weights instead of models")
    cli.add_json_argument(parser)
    return parser
