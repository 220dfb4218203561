"""What a search found: the table, the Pareto front as picture and JSON."""

import dataclasses
import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from cctzoo.formats.atomic import atomic_file, write_json
from tuning.pareto import non_dominated
from tuning.records import describe, read_records


def trained_and_front(directory):
    """(records of all trials, of the trained ones, of those that none of them dominates).

    The last two are sorted by latency. Of models with equal latency and accuracy all are on
    the front.
    """
    records = read_records(directory)
    trained = sorted(
        (record for record in records if record.status == "trained"),
        key=lambda record: record.latency_ms,
    )
    if not trained:
        return records, [], []
    points = np.array([(record.accuracy, record.latency_ms) for record in trained])
    front = [record for record, on in zip(trained, non_dominated(points), strict=True) if on]
    return records, trained, front


def best(trained, count):
    """The records of the `count` models with the highest scores."""
    ordered = sorted(trained, key=lambda record: -record.score)
    # Hyperband trains a model in several trials; the best of them stands for it.
    models = {json.dumps(record.changes, sort_keys=True): record for record in reversed(ordered)}
    return [record for record in ordered if record in models.values()][:count]


def write_report(directory, finals=()):
    """Writes `report.json`, `front.json` and `front.png`, and prints the table.

    Args:
        directory: of the search.
        finals: reports of fully trained models, dicts with `trial`.
    """
    records, trained, front = trained_and_front(directory)
    directory = Path(directory)
    counts = {
        status: sum(record.status == status for record in records)
        for status in ("trained", "over budget", "failed", "running")
    }
    write_json(
        directory / "report.json",
        {
            "trials": counts,
            "records": [dataclasses.asdict(record) for record in records],
            "front": [record.trial for record in front],
            "final": list(finals),
        },
    )
    write_json(directory / "front.json", [dataclasses.asdict(record) for record in front])
    if trained:
        plot(trained, front, directory / "front.png")
    Console(width=120).print(table(trained, front, finals))
    print(", ".join(f"{count} {status}" for status, count in counts.items() if count))


def table(trained, front, finals):
    """A `rich` table of the trained models, fastest first; those on the front are marked."""
    full = {final["trial"]: final for final in finals}
    shown = Table("", "trial", "model", "ms", "ratio", "accuracy", "score", "full training")
    for record in trained:
        final = full.get(record.trial)
        shown.add_row(
            "*" if record in front else "",
            record.trial,
            describe(record.values),
            f"{record.latency_ms:.3f}",
            f"{record.ratio:.3f}",
            f"{record.accuracy:.2%}",
            f"{record.score:.4f}",
            f"{final['test_accuracy']:.2%} (test)" if final else "",
        )
    return shown


def plot(trained, front, path):
    """Draws accuracy over latency with the front as a staircase: PNG or SVG."""
    import matplotlib.figure

    figure = matplotlib.figure.Figure((8, 5), layout="constrained")
    axes = figure.subplots()
    markers = "osD^v<>"
    prefixes = sorted({record.values["conv_prefix"] for record in trained})
    heads = sorted({record.values["heads"] for record in trained})
    colours = matplotlib.colormaps["cividis"](np.linspace(0, 0.95, len(heads)))
    for i, prefix in enumerate(prefixes):
        marker = markers[i % len(markers)]
        for colour, count in zip(colours, heads, strict=True):
            chosen = [
                (record.latency_ms, 100 * record.accuracy)
                for record in trained
                if (record.values["conv_prefix"], record.values["heads"]) == (prefix, count)
            ]
            if chosen:
                label = f"{count} heads, prefix {prefix}"
                axes.scatter(*zip(*chosen, strict=True), color=colour, marker=marker, label=label)
    steps = [(record.latency_ms, 100 * record.accuracy) for record in front]
    axes.step(*zip(*steps, strict=True), where="post", color="0.4", zorder=0, label="front")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel("latency of one image in ms")
    axes.set_ylabel("validation accuracy in %, proxy training")
    axes.legend(fontsize="x-small", ncols=2)
    with atomic_file(path) as draft:
        figure.savefig(draft, dpi=150)
