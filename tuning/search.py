"""Searches models that are accurate and fast: heads, prefix, depth and width.

Without arguments: a search on images of handwritten digits, a few minutes on 2 cores.

    python tuning/search.py
    python tuning/search.py --dataset npz:mine.npz --budget-ms 5 --trials 40 --workers 2
    python tuning/search.py --preset cifar10_200 --heads 4 16 64 --conv-prefix 0 2 3
    python tuning/search.py --latency-command "sh time_on_phone.sh {model}"
    python tuning/search.py --resume runs/MY_SEARCH

Each trial exports its model to LiteRT and times it, then trains it for a few epochs. In the end
there are a table, the Pareto front (`front.png`, `front.json`), all trials (`report.json`,
`search.log`), and the best model trained in full, exported and timed (`final/`).

Several machines: docs/guides/search.md.
"""

import dataclasses
import os
import sys
import time
from pathlib import Path

import keras_tuner

if not __package__:  # run as a script: its folder is on the path instead of the checkout
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from cctzoo import cli
from cctzoo.cli import flag
from cctzoo.runs import deliver, is_delivered, open_run
from cctzoo.training.fit import sigterm_like_interrupt
from tuning.arguments import check_resumed, make_parser, new_search
from tuning.plan import Search
from tuning.records import log, read_records
from tuning.report import best, trained_and_front, write_report
from tuning.tuner import SearchTuner, train_or_resume
from tuning.workers import run_with_workers

CHIEF_SECONDS = 600  # that a worker waits for the chief's search.json
ERRORS = (OSError, RuntimeError, keras_tuner.errors.FatalError)


def main():
    parser = make_parser(__doc__)
    options = parser.parse_args()
    cli.show_notices()
    directory = options.resume or options.directory
    with cli.exit_on_error(parser, directory):
        if options.resume:
            check_resumed(parser, options)
        try:
            run(options, directory)
        except ERRORS as error:
            begun = (directory / "search.json").exists()
            hint = f"{directory} keeps what was done; --resume {directory} goes on\n" * begun
            parser.exit(1, f"\n{parser.prog}: {error}\n{hint}")


def run(options, directory):
    """The search, its report, and the full training of its best models."""
    role = os.environ.get("KERASTUNER_TUNER_ID") if "KERASTUNER_ORACLE_IP" in os.environ else None
    if options.workers < 1:
        raise ValueError(f"`workers` must be at least 1. Received: workers={options.workers}")
    folders = cli.data_folders(options)
    if options.resume:
        wait_for(directory / "search.json", CHIEF_SECONDS if role else 0)
        search = Search.load(directory)
        recipe = dataclasses.replace(search.recipe, **folders)
        search = dataclasses.replace(search, recipe=recipe)
    else:
        search = new_search(options, directory)
    if options.workers > 1 and not role:
        words = [word for name, value in folders.items() for word in (flag(name), value)]
        with sigterm_like_interrupt():  # which must not leave workers behind
            run_with_workers(directory, options.workers, words)
    else:
        SearchTuner(search, directory).search()
    if options.trials_only or role not in (None, "chief"):
        return
    write_report(directory)
    _, trained, _ = trained_and_front(directory)
    if not trained:
        raise RuntimeError(nothing_trained(directory))
    finals = [train_fully(search, record, directory) for record in best(trained, search.final)]
    if finals:
        write_report(directory, finals)


def wait_for(path, seconds):
    """Returns when the file is there, or after so many seconds."""
    end = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < end:
        time.sleep(1)


def nothing_trained(directory):
    """Why no trial was trained, as a sentence."""
    records = read_records(directory)
    over = [record for record in records if record.status == "over budget"]
    if over:
        fastest = min(over, key=lambda record: record.latency_ms)
        return (
            f"No model was trained: {len(over)} of {len(records)} were over the budget, the "
            f"fastest was trial {fastest.trial} with {fastest.latency_ms:.3f} ms. Raise "
            "--budget-ms, or widen the space towards smaller models."
        )
    return f"No model was trained: all {len(records)} trials failed; search.log has the reasons."


def train_fully(search, record, directory):
    """Trains a model with the whole recipe, exports and times it; returns its figures."""
    folder = directory / "final" / f"trial_{record.trial}"
    if is_delivered(folder):
        run = open_run(folder)
    else:
        log(directory, f"full training of trial {record.trial} in {folder}")
        run = train_or_resume(search.full_recipe(record.changes), folder)
        deliver(run.model, run.dataset, folder)
    accuracy = run.figures["test_accuracy"]
    log(directory, f"trial {record.trial}, full training: {accuracy:.2%} (test)")
    return {"trial": record.trial, "test_accuracy": accuracy, "folder": str(folder)}


if __name__ == "__main__":
    main()
