"""Do committees gain by different head structures, or only by different seeds?

    python recipes/benchmarks/committees.py --preset docstrings --members 2 16 64 --seeds 9
    python recipes/benchmarks/committees.py --preset digits --dataset npz:cifar10.npz \\
        --members 4 16 64 --seeds 9 --model cct_2_3x2_32 --train-samples 4900 --validation 0 \\
        --epochs 8 --warmup-epochs 1 --batch-size 64 --crop-padding 4 --flip

Trains every number of heads with every seed by the same recipe. As many seeds as there are numbers
of heads form a square of models: its rows, models of equal heads with different seeds, are
committees of equal structure; its diagonals, in which no number of heads and no seed occurs twice,
are committees of different structure. Both kinds consist of the same models, so that their members
are equally good, and the mean difference within a square is that of the structure.

Takes the flags of a recipe. Each run has a folder; the same command resumes a run that was stopped
and skips the finished ones. Prints the mean accuracies over the squares, and the difference with
its 95 % confidence interval (paired t).

Gives: not yet run to its end.
"""

import dataclasses
import statistics
from pathlib import Path

import numpy as np
from scipy import stats

from cctzoo import cli, runs
from cctzoo.formats.atomic import write_json
from cctzoo.models.decisions import probabilities
from cctzoo.recipe_flags import add_recipe_arguments, recipe_from


def main():
    parser = cli.script_parser(__doc__)
    add_recipe_arguments(parser, "docstrings")
    add = parser.add_argument
    add("--members", type=int, nargs="+", default=[2, 16, 64], help="heads of each (2 16 64)")
    add("--seeds", type=int, default=9, help="runs of each, a multiple of the members (9)")
    add("--directory", type=Path, default=Path("runs/committees"))
    options = parser.parse_args()
    cli.show_notices()
    with cli.exit_on_error(parser):
        size = len(options.members)
        if size < 2 or len(set(options.members)) < size:
            raise ValueError(
                f"--members must be two or more that differ. Received: {options.members}"
            )
        if options.seeds % size or options.seeds < 2 * size:
            raise ValueError(
                f"--seeds must be a multiple of the {size} members, at least {2 * size}. "
                f"Received: {options.seeds}"
            )
        recipe = recipe_from(vars(options))
        outputs, labels = {}, None
        for seed in range(options.seeds):  # outermost: a stopped comparison has whole seeds
            for heads in options.members:
                each = dataclasses.replace(
                    recipe, changes=recipe.changes | {"heads": heads}, seed=recipe.seed + seed
                )
                run = runs.train_or_open(each, options.directory / f"heads{heads}_seed{seed}")
                outputs[heads, seed] = probabilities(run.model.config, run.test_outputs)
                labels = run.dataset.y_test
    figures = compare(outputs, labels, options.members, options.seeds)
    write_json(options.directory / "report.json", {"recipe": dataclasses.asdict(recipe), **figures})
    print(f"\n{table(figures)}")


def compare(outputs, labels, members, seeds):
    """Accuracies of the models and of both kinds of committees, and the difference of these.

    Args:
        outputs: probabilities (n, classes) by (heads, seed).
        labels: (n,).
        members: numbers of heads.
        seeds: number of seeds, a multiple of the members.
    """

    def accuracy(cases):
        mean = np.mean([outputs[case] for case in cases], axis=0)
        return float((mean.argmax(axis=1) == labels).mean())

    size = len(members)
    squares = [range(first, first + size) for first in range(0, seeds, size)]
    equal = [[accuracy([(h, s) for s in square]) for h in members] for square in squares]
    different = [
        [
            accuracy([(h, square[(i + shift) % size]) for i, h in enumerate(members)])
            for shift in range(size)
        ]
        for square in squares
    ]
    gains = np.mean(different, axis=1) - np.mean(equal, axis=1)
    quantile = stats.t.ppf(0.975, len(gains) - 1)
    return {
        "single": {h: [accuracy([(h, s)]) for s in range(seeds)] for h in members},
        "equal": {h: [row[i] for row in equal] for i, h in enumerate(members)},
        "different": [float(np.mean(row)) for row in different],
        "difference": float(gains.mean()),
        "margin": float(quantile * gains.std(ddof=1) / len(gains) ** 0.5),
    }


def table(figures):
    """Markdown: mean and standard deviation in percent, over the seeds or over the squares."""

    def cell(values):
        return f"{100 * statistics.mean(values):.2f} ± {100 * statistics.stdev(values):.2f} %"

    lines = ["| heads | one model | committee |", "|---|---|---|"]
    for heads, values in figures["single"].items():
        lines.append(f"| {heads} | {cell(values)} | {cell(figures['equal'][heads])} |")
    every = [value for values in figures["single"].values() for value in values]
    lines.append(f"| one of each | {cell(every)} | {cell(figures['different'])} |")
    difference = f"{100 * figures['difference']:+.2f} ± {100 * figures['margin']:.2f}"
    return "\n".join([*lines, "", f"different - equal structure: {difference} points"])


if __name__ == "__main__":
    main()
