"""Trains models that differ in their heads, and averages them: a soft committee.

Without arguments: three cct_2_3x2_32 with 4, 16 and 64 heads on handwritten digits, each in
its own folder of the run directory, trained alike from seeds of their own; then the
committee's test accuracy beside the members', `committee.keras` and `committee.json`.

    python recipes/train_committee.py
    python recipes/train_committee.py --members 16 64 100 --model cct_7_3x1_32 \\
        --changes '{"head_dim": 4}' --preset cifar100_300

`--resume DIRECTORY` goes on where a committee stopped.

Gives: docs/benchmarks.md has what was run.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832: equally accurate models whose heads are structured differently err on
different images.
"""

import dataclasses

from cctzoo import cli, models, training
from cctzoo.cli import LOADING
from cctzoo.formats.atomic import atomic_file, write_json
from cctzoo.runs import deliver
from cctzoo.training import evaluation
from cctzoo.training.build import config_from_data


def main():
    parser = cli.recipe_parser(__doc__)
    add = parser.add_argument
    add("--members", type=int, nargs="+", help="heads of each (default: 4 16 64)")
    add("--average", default="probabilities", choices=("probabilities", "logits"))
    add("--no-export", action="store_true", help="train only")
    options, recipe, directory, keywords = cli.parse(parser)
    with cli.exit_on_error(parser, directory):
        if recipe is not None:
            loading = {name: keywords[name] for name in LOADING if name in keywords}
            write_recipes(recipe, options.members or [4, 16, 64], directory, loading)
        runs = [training.resume(folder, **keywords) for folder in sorted(directory.glob("member*"))]
        committee, report = combine(runs, options.average)
    with atomic_file(directory / "committee.keras") as draft:
        committee.save(draft)
    write_json(directory / "report.json", report)
    print("\n" + table(report))
    if not options.no_export:
        deliver(committee, runs[0].dataset, directory)


def shared_words(recipe, loading):
    """The vocabulary of models for texts: members take the same, whatever their seeds draw."""
    base = models.variant_config(recipe.model, **recipe.changes)
    if base.kind == "images":
        return {}
    fields = config_from_data(base, recipe.load_data(**loading))
    return {name: fields[name] for name in ("vocabulary", "vocabulary_size")}


def write_recipes(recipe, heads, directory, loading):
    """A folder with its recipe for each member, before any of them trains."""
    changes = recipe.changes | shared_words(recipe, loading)
    recipes = [
        dataclasses.replace(recipe, changes=changes | {"heads": count}, seed=recipe.seed + index)
        for index, count in enumerate(heads)
    ]
    for index, (member, count) in enumerate(zip(recipes, heads, strict=True)):
        folder = directory / f"member{index:02d}_heads{count}"
        folder.mkdir(parents=True)
        member.save(folder / "recipe.json")


def combine(runs, average):
    """(The committee with logits as output, its figures beside the members')."""
    members = [run.model for run in runs]
    committee = models.soft_committee(members, average, classifier_activation=None)
    data = runs[0].dataset
    logits = evaluation.predict(committee, data.x_test, batch_size=64)
    found = evaluation.figures(logits, data.y_test)
    report = {f"test_{name}": value for name, value in found.items()} | {
        "test_samples": len(data.x_test),
        "average": average,
        "members": {run.directory.name: run.report["test_accuracy"] for run in runs},
    }
    return committee, report


def table(report):
    rows = [*report["members"].items(), ("committee", report["test_accuracy"])]
    lines = [f"{name:28}{accuracy:10.2%}" for name, accuracy in rows]
    return "\n".join([f"{'test accuracy':28}{report['test_samples']:>10}", *lines])


if __name__ == "__main__":
    main()
