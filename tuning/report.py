"""The report of a search: a table, and the Pareto front as JSON and as a picture."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from cctzoo.formats.atomic import write_json
from cctzoo.plotting import new_figure, save_figure
from cctzoo.typing import PathLike
from tuning.pareto import non_dominated
from tuning.records import Record, read_records
from tuning.space import HYPERPARAMETERS

if TYPE_CHECKING:
    import matplotlib.figure


def trained_and_front(directory: PathLike) -> tuple[list[Record], list[Record], list[Record]]:
    """Returns the records of all trials, of the trained models, and of the Pareto front.

    The trained models and the front are sorted by latency. If models on the front have equal
    latency and equal accuracy, all of them are on the front.
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


def best(trained: Sequence[Record], count: int) -> list[Record]:
    """Returns the records of the `count` models with the highest scores.

    Hyperband trains a model in several trials; the trial with the highest score counts.
    """
    points, records = set(), []
    for record in sorted(trained, key=lambda record: -record.score):
        point = tuple(record.values[name] for name in HYPERPARAMETERS)
        if point not in points:
            points.add(point)
            records.append(record)
    return records[:count]


def write_report(directory: PathLike, finals: Sequence[dict[str, Any]] = ()) -> None:
    """Writes `report.json`, `front.json` and `front.png`, and prints the table.

    Args:
        directory: the directory of the search.
        finals: figures of the models that were trained in full, with `trial` and
            `test_accuracy`.
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
        plot_front(trained, front, directory / "front.png")
    Console(width=120).print(results_table(trained, front, finals))
    print(", ".join(f"{count} {status}" for status, count in counts.items() if count))


def results_table(
    trained: Sequence[Record], front: Sequence[Record], finals: Sequence[dict[str, Any]]
) -> Table:
    """Returns a table of the trained models, fastest first; a star marks the front."""
    full = {final["trial"]: final for final in finals}
    table = Table("", "trial", "model", "ms", "ratio", "accuracy", "score", "full training")
    for record in trained:
        final = full.get(record.trial)
        table.add_row(
            "*" if record in front else "",
            record.trial,
            record.architecture,
            f"{record.latency_ms:.3f}",
            f"{record.ratio:.3f}",
            f"{record.accuracy:.2%}",
            f"{record.score:.4f}",
            f"{final['test_accuracy']:.2%} (test)" if final else "",
        )
    return table


def plot_front(
    trained: Sequence[Record], front: Sequence[Record], path: PathLike
) -> "matplotlib.figure.Figure":
    """Draws accuracy over latency, with the front as a staircase and as rings.

    Args:
        trained: the records of the trained models, at least one.
        front: those on the Pareto front, by latency.
        path: the file, PNG or another format of matplotlib, e.g. SVG.

    Returns:
        The figure.
    """
    import matplotlib

    figure = new_figure(8, 5)
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
    milliseconds = [record.latency_ms for record in trained]
    limits = min(milliseconds) / 1.2, 1.2 * max(milliseconds)
    steps = [(record.latency_ms, 100 * record.accuracy) for record in front]
    latencies, accuracies = zip(*steps, strict=True)
    # The front continues to the right: with one point, it is a line, too.
    ends = (*latencies, limits[1]), (*accuracies, accuracies[-1])
    axes.step(*ends, where="post", color="0.4", zorder=0)
    axes.plot(latencies, accuracies, "o", ms=13, mfc="none", mec="#d55e00", mew=1.8, label="front")
    axes.set_xscale("log")
    axes.set_xlim(limits)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel("latency of one sample in ms")
    axes.set_ylabel("validation accuracy in %, proxy training")
    axes.set_title("Trained models; no model is better than the front in both")
    axes.legend(fontsize="x-small", ncols=2)
    save_figure(figure, path)
    return figure
