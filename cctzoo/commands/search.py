"""Searches models that are accurate and fast: heads, prefix, depth and width.

Without arguments, it searches models for images of handwritten digits: a few minutes on 2 cores.

    cctzoo search
    cctzoo search --dataset npz:mine.npz --budget-ms 5 --trials 40 --workers 2
    cctzoo search --preset cifar10_200 --heads 4 16 64 --conv-prefix 0 2 3
    cctzoo search --latency-command "sh time_on_phone.sh {model}"
    cctzoo search --engine optuna --workers 2
    cctzoo search --resume runs/MY_SEARCH

Each trial exports its model to LiteRT and times it, then trains it for a few epochs. At the end,
the search writes the Pareto front and all trials, and trains and exports the best model in full.
"""

import argparse

from tuning import search
from tuning.arguments import make_parser as search_parser


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    search.main(description)


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    return search_parser(description)
