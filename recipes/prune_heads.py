"""Prunes the heads of a trained model, fine-tunes it, exports it, and shows before and after.

    python recipes/prune_heads.py runs/MY_RUN --keep 32
    python recipes/prune_heads.py runs/MY_RUN --keep 16 --by ablation --epochs 6

Heads are ranked by training images or texts: by gradient, by ablation, or by the labels that each
recognises (SHP). The best of every block stay in a smaller model, which is trained on with the
run's data and augmentation, for a fifth of its epochs at a fifth of its learning rate unless
given otherwise. The new run directory holds `pruned.keras` beside what every run has.

Gives: docs/benchmarks.md has what was run.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from cctzoo import analysis, latency, training
from cctzoo.formats.atomic import atomic_file, write_json
from cctzoo.runs import deliver, load_source
from cctzoo.training import evaluation


def main():
    options = parse_arguments()
    folder = options.to or Path(options.run, f"pruned{options.keep}")
    try:
        recipe = training.Recipe.load(Path(options.run, "recipe.json"))
        training.check_directory(folder)
        model, dataset = load_source(options.run)
        dataset = dataset.for_model(model)
        ranking = rank(model, dataset, options.by, options.images)
        keep = {block: heads[: options.keep] for block, heads in ranking.items()}
        pruned = analysis.prune_heads(model, keep)
        start = folder.with_name(f"{folder.name}.keras")
        with atomic_file(start) as draft:
            pruned.save(draft)
        epochs = options.epochs or max(1, recipe.epochs // 5)
        rate = options.learning_rate or recipe.learning_rate / 5
        shorter = dataclasses.replace(
            recipe,
            start_from=str(start),
            changes={},
            epochs=epochs,
            cooldown_epochs=0,
            warmup_epochs=0,
            learning_rate=rate,
            warmup_rate=min(recipe.warmup_rate, rate),
            floor_rate=min(recipe.floor_rate, rate),
        )
        tuned = training.train(shorter, folder)
    except (ValueError, OSError, ImportError, training.TrainingDiverged) as error:
        sys.exit(f"prune_heads.py: {error}")
    start.rename(folder / "pruned.keras")
    found = {
        "heads": {"before": model.config.block_heads, "after": pruned.config.block_heads},
        "parameters": {"before": model.count_params(), "after": pruned.count_params()},
        "kept": {str(block): sorted(map(int, heads)) for block, heads in keep.items()},
        "test_accuracy": {
            "before": accuracy(model, dataset),
            "pruned": accuracy(pruned, dataset),
            "tuned": tuned.report["test_accuracy"],
        },
    }
    if not options.no_export:
        (folder / "before").mkdir()
        deliver(model, dataset, write_empty_report(folder / "before"))
        deliver(tuned.model, dataset, folder)
        names = ("model_float32.tflite", "model_dynamic_int8.tflite")
        timed = latency.measure(
            {
                f"{kind} {name}": place / "export" / name
                for name in names
                for kind, place in (("before", folder / "before"), ("pruned", folder))
            }
        )
        print(f"\n{timed}")
        found["latency"] = dataclasses.asdict(timed)
    write_json(folder / "pruning.json", found)
    for name, value in found["test_accuracy"].items():
        print(f"test accuracy {name:8}{value:8.2%}")
    print(f"fine-tuned for {epochs} of {recipe.epochs} epochs; all of it in {folder}")


def rank(model, dataset, by, images):
    """The heads of each block, best first, by training samples alone."""
    x, y = dataset.draw("train", images)
    if by == "importance":
        return analysis.rank_heads(analysis.head_importance(model, x, y))
    if by == "ablation":
        return analysis.rank_heads(analysis.head_ablation(model, x, y))
    half = len(y) // 2
    parts = (x[:half], y[:half]), (x[half:], y[half:])
    return analysis.rank_heads(analysis.single_head_performance(model, *parts))


def accuracy(model, dataset):
    """On the test part."""
    logits = evaluation.predict(model, dataset.x_test, batch_size=64)
    return evaluation.figures(logits, dataset.y_test)["accuracy"]


def write_empty_report(folder):
    """Makes a folder what `deliver` adds its report to."""
    write_json(folder / "report.json", {})
    return folder


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("run", help="run directory")
    add("--keep", type=int, required=True, help="heads that stay in every block")
    add("--by", default="importance", choices=("importance", "ablation", "labels"))
    add("--images", type=int, default=1000, help="training samples to rank by (default: 1000)")
    add("--epochs", type=int, help="of fine-tuning (default: a fifth of the run's)")
    add("--learning-rate", type=float, help="(default: a fifth of the run's)")
    add("--to", type=Path, help="folder, new or empty (default: prunedKEEP in the run's)")
    add("--no-export", action="store_true", help="accuracy only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
