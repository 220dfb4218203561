"""Test accuracy of softmax and polynomial attention, trained alike with several seeds.

    python recipes/benchmarks/attention_accuracy.py --dataset npz:cifar10.npz --heads 2 16 32 64 \\
        --model cct_2_3x2_32 --train-samples 4900 --epochs 8
    python recipes/benchmarks/attention_accuracy.py --preset docstrings --heads 32 \\
        --changes '{"length": 512}'

Takes the flags of a recipe. Each run has a folder; the same command resumes a run that was stopped
and skips the finished ones. Prints the mean and the standard deviation of each kind and number of
heads, and the difference of the two kinds with its 95 % confidence interval (two-sample t).

Gives: docs/polynomial-attention.md.
"""

import dataclasses
import statistics
from pathlib import Path

from cctzoo import cli, runs
from cctzoo.formats.atomic import write_json
from cctzoo.models import CCTConfig
from cctzoo.recipe_flags import add_recipe_arguments, recipe_from

# The 97.5 % quantile of Student's t with 2 (n - 1) degrees of freedom, for n seeds.
QUANTILES = {2: 4.303, 3: 2.776, 4: 2.447, 5: 2.306, 6: 2.228, 7: 2.179, 8: 2.145}


def main():
    parser = cli.script_parser(__doc__)
    add_recipe_arguments(parser, "cifar10_300")
    add = parser.add_argument
    add("--heads", dest="head_counts", type=int, nargs="+", default=[2, 16, 32, 64])
    add("--attention", dest="kinds", nargs="+", default=CCTConfig.ATTENTION_KINDS)
    add("--seeds", type=int, default=3, choices=QUANTILES, help="runs of each (3)")
    add("--directory", type=Path, default=Path("runs/attention_accuracy"))
    options = parser.parse_args()
    cli.show_notices()
    with cli.exit_on_error(parser):
        recipe = recipe_from(vars(options))
        recipes = {
            (heads, kind, seed): dataclasses.replace(
                recipe,
                changes=recipe.changes | {"heads": heads, "attention": kind},
                seed=recipe.seed + seed,
            )
            for seed in range(options.seeds)  # outermost: a stopped comparison has whole seeds
            for heads in options.head_counts
            for kind in options.kinds
        }
        found = {
            case: runs.train_or_open(each, options.directory / "_".join(map(str, case)))
            for case, each in recipes.items()
        }
    rows = [
        summary(
            heads,
            {
                kind: [
                    found[heads, kind, seed].figures["test_accuracy"]
                    for seed in range(options.seeds)
                ]
                for kind in options.kinds
            },
        )
        for heads in options.head_counts
    ]
    write_json(
        options.directory / "report.json", {"recipe": dataclasses.asdict(recipe), "rows": rows}
    )
    print(f"\n{table(rows, options.kinds)}")


def summary(heads, accuracies):
    """Mean and deviation of each kind, and the difference of the last to the first."""
    row = {"heads": heads, "accuracies": accuracies}
    row["mean"] = {kind: statistics.mean(values) for kind, values in accuracies.items()}
    row["deviation"] = {kind: statistics.stdev(values) for kind, values in accuracies.items()}
    if len(accuracies) == 2:
        first, second = accuracies
        seeds = len(accuracies[first])
        error = (sum(deviation**2 for deviation in row["deviation"].values()) / seeds) ** 0.5
        row["difference"] = row["mean"][second] - row["mean"][first]
        row["margin"] = QUANTILES[seeds] * error
    return row


def table(rows, kinds):
    """Markdown, in percent."""
    lines = ["| heads | " + " | ".join(kinds) + " | difference |", "|---" * (len(kinds) + 2) + "|"]
    for row in rows:
        cells = [f"{100 * row['mean'][k]:.2f} ± {100 * row['deviation'][k]:.2f}" for k in kinds]
        if "difference" in row:
            cells.append(f"{100 * row['difference']:+.2f} ± {100 * row['margin']:.2f}")
        lines.append(f"| {row['heads']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
