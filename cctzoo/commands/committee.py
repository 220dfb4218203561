"""Trains models with different numbers of heads and averages them: a soft committee.

Without arguments: three cct_2_3x2_32 with 4, 16 and 64 heads on handwritten digits. Each is
trained with its own seed in its own folder of the run directory. The committee is then written
to `committee.keras`, its test accuracy and that of its members to `report.json`, and what it
confuses to the page `report.html`.

    cctzoo committee
    cctzoo committee --members 16 64 100 --model cct_7_3x1_32 \\
        --changes '{"head_dim": 4}' --preset cifar100_300

`--resume DIRECTORY` resumes a committee that was stopped.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832: models of equal accuracy with differently structured heads err on different
images.
"""

import argparse
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cctzoo import cli, models, training
from cctzoo.delivery import deliver
from cctzoo.formats.atomic import atomic_file, write_json
from cctzoo.formats.lock import locked
from cctzoo.training import evaluation
from cctzoo.training.build import config_from_data
from cctzoo.training.processes import check_alone
from cctzoo.training.report import write_report_page
from cctzoo.typing import Array


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options, recipe, directory = cli.parse(parser)
    with cli.exit_on_error(parser, directory):
        check_alone("The training of a committee")
        cli.check_exports(options)
        if recipe is None:
            check_committee(directory)
        with locked(directory):
            if recipe is not None:
                training.check_directory(directory)
                write_recipes(recipe, options.members or [4, 16, 64], directory)
            keywords = cli.training_options(options) | cli.data_places(options)
            folders = sorted(directory.glob("member*"))
            runs = [training.resume(folder, **keywords) for folder in folders]
            committee, report, outputs = combine(runs, options.average)
            with atomic_file(directory / "committee.keras") as draft:
                committee.save(draft)
            write_json(directory / "report.json", report)
            page = functools.partial(write_page, directory, committee, runs, report, outputs)
            page()
            print("\n" + table(report))
            if not options.no_export:
                page(deliver(committee, runs[0].dataset, directory).figures)


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.recipe_parser(description)
    add = parser.add_argument
    add("--members", type=int, nargs="+", help="heads of each member (4 16 64)")
    add("--average", default="probabilities", choices=("probabilities", "logits"))
    add("--no-export", action="store_true", help="train only")
    return parser


def check_committee(directory: Path) -> None:
    """Raises ValueError unless a directory is that of a committee."""
    if not any(directory.glob("member*/recipe.json")):
        raise ValueError(
            "`--resume` needs the directory of a committee, with a folder for each member. "
            f"Received: {str(directory)!r}"
        )


def shared_words(recipe: training.Recipe) -> dict[str, Any]:
    """Returns the vocabulary of text models: members share it, whatever their seeds hold out."""
    base = recipe.config()
    if base.kind == "images":
        return {}
    fields = config_from_data(base, recipe.load_data())
    return {name: fields[name] for name in ("vocabulary", "vocabulary_size")}


def write_recipes(recipe: training.Recipe, heads: Sequence[int], directory: Path) -> None:
    """Writes a folder with a recipe for each member before the first one is trained."""
    changes = recipe.changes | shared_words(recipe)
    recipes = [
        dataclasses.replace(recipe, changes=changes | {"heads": count}, seed=recipe.seed + index)
        for index, count in enumerate(heads)
    ]
    for index, (member, count) in enumerate(zip(recipes, heads, strict=True)):
        folder = directory / f"member{index:02d}_heads{count}"
        folder.mkdir(parents=True)
        member.save(folder / "recipe.json")


def combine(
    runs: Sequence[training.Run], average: str
) -> tuple[models.SoftCommittee, dict[str, Any], Array]:
    """Returns the committee with logits as output, its report, and its outputs for the test part.

    The report has the figures of the committee and the accuracies of its members.
    """
    members = [run.model for run in runs]
    committee = models.soft_committee(members, average, classifier_activation=None)
    data = runs[0].dataset
    outputs = training.predict(committee, data.x_test)
    found = evaluation.figures(outputs, data.y_test, committee.config)
    report = {f"test_{name}": value for name, value in found.items()} | {
        "test_samples": len(data.x_test),
        "average": average,
        "members": {run.directory.name: run.figures["test_accuracy"] for run in runs},
    }
    return committee, report, outputs


def write_page(
    directory: Path,
    committee: models.SoftCommittee,
    runs: Sequence[training.Run],
    report: dict[str, Any],
    outputs: Array,
    delivered: dict[str, Any] | None = None,
) -> None:
    """Writes `report.html`, with links to the pages of the members."""
    data = runs[0].dataset
    write_report_page(
        directory,
        title=f"A committee of {len(runs)} models on {data.name}",
        dataset=data,
        outputs=outputs,
        config=committee.config,
        figures=report | {"parameters": committee.count_params()},
        members=report["members"],
        delivered=delivered,
    )


def table(report: Mapping[str, Any]) -> str:
    """Returns the test accuracies of the members and of the committee."""
    rows = [*report["members"].items(), ("committee", report["test_accuracy"])]
    lines = [f"{name:28}{accuracy:10.2%}" for name, accuracy in rows]
    return "\n".join([f"{'test accuracy':28}{report['test_samples']:>10}", *lines])
