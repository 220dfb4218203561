"""Prunes the heads of a trained model, fine-tunes it, exports it and compares before and after.

    cctzoo prune runs/MY_RUN --keep 32
    cctzoo prune runs/MY_RUN --keep 16 --by ablation --epochs 6
    cctzoo prune cct_2_3x2_32.digits --keep 2

Heads are ranked on training samples by gradient, by ablation, or by the number of labels that
each recognises (SHP). The best heads of every block stay in a smaller model, which is trained
with the data and the augmentation of the run. By default, it is trained for a fifth of the run's
epochs at a fifth of its learning rate. Trained weights that are no run are fine-tuned as by
`cctzoo fine-tune`, shortened in the same way; without a tag, they need `--dataset`. The new run
directory also holds `pruning.json`; the model before fine-tuning is next to it, under the same name
with `.keras`.
"""

import argparse
import dataclasses
from pathlib import Path

from cctzoo import analysis, cli, latency, training
from cctzoo.data import Dataset
from cctzoo.delivery import deliver
from cctzoo.formats.atomic import atomic_file, write_json
from cctzoo.formats.lock import locked
from cctzoo.models import CCT
from cctzoo.runs import is_run, is_variant, load_for_training
from cctzoo.training.processes import check_alone
from cctzoo.typing import Array
from cctzoo.weights import list_weights


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    cli.show_notices()
    folder = options.to or default_folder(options.source, options.keep)
    with cli.exit_on_error(parser, status=1):
        check_alone("Pruning")
        cli.check_exports(options)
        training.check_directory(folder)
        options.dataset = cli.dataset_of(options, options.source)
        if is_variant(options.source) or not (options.dataset or is_run(options.source)):
            raise ValueError(
                "Pruning needs a run, a tag, or other trained weights with --dataset. "
                f"Received: source={options.source!r}, dataset={options.dataset!r}"
            )
        with locked(folder):
            training.check_directory(folder)
            prune(options, folder)


def prune(options: argparse.Namespace, folder: Path) -> None:
    """Prunes, fine-tunes and exports the model, and writes and prints what was found."""
    model, whole, loaded = load_for_training(
        options.source, options.dataset, **cli.data_options(options)
    )
    dataset = loaded.for_model(model)
    ranking = rank(model, dataset, options.by, options.samples)
    keep = {block: heads[: options.keep] for block, heads in ranking.items()}
    pruned = analysis.prune_heads(model, keep)
    start = folder.with_name(f"{folder.name}.keras")
    with atomic_file(start) as draft:
        pruned.save(draft)
    recipe = fine_tuning(whole, start, options.epochs, options.learning_rate)
    tuned = training.train(recipe, folder)
    test = dataset.x_test, dataset.y_test
    found = {
        "heads": {"before": model.config.block_heads, "after": pruned.config.block_heads},
        "parameters": {"before": model.count_params(), "after": pruned.count_params()},
        "kept": {str(block): sorted(map(int, heads)) for block, heads in keep.items()},
        "test_accuracy": {
            "before": training.evaluate(model, *test)["accuracy"],
            "pruned": training.evaluate(pruned, *test)["accuracy"],
            "tuned": tuned.figures["test_accuracy"],
        },
    }
    if not options.no_export:
        folders = {
            "before": deliver(model, loaded, folder / "before").folder,
            "pruned": deliver(tuned.model, loaded, folder).folder,
        }
        names = ("model_float32.tflite", "model_dynamic_int8.tflite")
        timed = latency.measure(
            {f"{kind} {name}": place / name for name in names for kind, place in folders.items()}
        )
        print(f"\n{timed}")
        found["latency"] = dataclasses.asdict(timed)
    write_json(folder / "pruning.json", found)
    for name, value in found["test_accuracy"].items():
        print(f"test accuracy {name:8}{value:8.2%}")
    print(
        f"epochs of fine-tuning: {recipe.epochs}, of a run without pruning: {whole.epochs}; "
        f"all files are in {folder}"
    )


def default_folder(source: str, keep: int) -> Path:
    if is_run(source):
        return Path(source, f"pruned{keep}")
    name = source if source in list_weights() else Path(source).stem
    return Path("runs", f"{name}-pruned{keep}")


def rank(model: CCT, dataset: Dataset, by: str, samples: int) -> dict[int, Array]:
    """Returns the heads of each block, best first, ranked on training samples."""
    x, y = dataset.draw("train", samples)
    if by == "importance":
        return analysis.rank_heads(analysis.head_importance(model, x, y))
    if by == "ablation":
        return analysis.rank_heads(analysis.head_ablation(model, x, y))
    half = len(y) // 2
    parts = (x[:half], y[:half]), (x[half:], y[half:])
    return analysis.rank_heads(analysis.single_head_performance(model, *parts))


def fine_tuning(
    recipe: training.Recipe, start: Path, epochs: int, learning_rate: float | None
) -> training.Recipe:
    """Returns the recipe of a run, shortened and starting from the file `start`."""
    rate = learning_rate or recipe.learning_rate / 5
    return dataclasses.replace(
        recipe,
        start_from=str(start),
        changes={},
        epochs=epochs or max(1, recipe.epochs // 5),
        cooldown_epochs=0,
        warmup_epochs=0,
        learning_rate=rate,
        warmup_rate=min(recipe.warmup_rate, rate),
        floor_rate=min(recipe.floor_rate, rate),
    )


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    add = parser.add_argument
    add("source", help=cli.SOURCE_HELP)
    add("--keep", type=int, required=True, help="heads that stay in every block")
    add("--by", default="importance", choices=("importance", "ablation", "labels"))
    add("--samples", type=int, default=1000, help="training samples for the ranking (1000)")
    add("--epochs", type=int, help="epochs of fine-tuning (a fifth of the run's)")
    add("--learning-rate", type=float, help="learning rate of fine-tuning (a fifth of the run's)")
    cli.add_data_arguments(parser, default="that of the run or the tag")
    add("--to", type=Path, help="output folder, new (prunedKEEP in the run, or in runs/)")
    add("--no-export", action="store_true", help="do not export and time the models")
    return parser
