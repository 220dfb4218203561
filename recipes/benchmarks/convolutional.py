"""Test accuracy of convolutional networks, trained by the recipe of the zoo's models.

    python recipes/benchmarks/convolutional.py --dataset npz:cifar10.npz --model cct_conv \\
        --train-samples 9800 --validation 0 --epochs 15 --nets resnet_20 mobilenet_v2_half

Takes the flags of a recipe: its data, augmentation, optimizer, schedule and loss are those of
`cctzoo train`, only the network is another. Each run has a folder; the same command resumes a
comparison that was stopped and skips the finished runs. `compare_latency.py` times the networks.

Gives: 86.71 % on CIFAR-10 (JPEG copies) by a ResNet-20, see docs/benchmarks/latency.md.
"""

import dataclasses
import json
import statistics
from pathlib import Path

import keras
from competitors.convolutional_nets import NETS

from cctzoo import cli
from cctzoo.formats.atomic import write_json
from cctzoo.recipe_flags import add_recipe_arguments, recipe_from
from cctzoo.training import evaluation
from cctzoo.training.augmented_model import AugmentedModel
from cctzoo.training.build import compile_model
from cctzoo.training.callbacks import RunRecorder
from cctzoo.training.fit import fit
from cctzoo.training.run import check_unchanged


def main():
    parser = cli.script_parser(__doc__)
    add_recipe_arguments(parser, "cifar10_300")
    add = parser.add_argument
    add("--nets", nargs="+", choices=NETS, default=list(NETS))
    add("--seeds", type=int, default=3, help="runs of each (3)")
    add("--directory", type=Path, default=Path("runs/convolutional"))
    options = parser.parse_args()
    cli.show_notices()
    with cli.exit_on_error(parser):
        if options.seeds < 1:
            raise ValueError(f"--seeds must be at least 1. Received: seeds={options.seeds}")
        recipe = recipe_from(vars(options))
        dataset = recipe.load_data()
        if dataset.kind != "images" or dataset.x_train.shape[1:] != (32, 32, 3):
            raise ValueError(
                "The networks are for images of 32 x 32 pixels and 3 channels. "
                f"Received: dataset={dataset.name!r} of shape {dataset.x_train.shape}"
            )
        found = {name: [] for name in options.nets}
        for seed in range(options.seeds):  # outermost: a stopped comparison has whole seeds
            for name in options.nets:
                each = dataclasses.replace(recipe, seed=recipe.seed + seed)
                found[name].append(
                    trained(name, each, dataset, options.directory / f"{name}_{seed}")
                )
    print(f"\n{table(found)}")


def trained(name, recipe, dataset, directory):
    """Returns the figures of a run, which is trained, resumed or already finished."""
    settings = dataclasses.asdict(recipe) | {"net": name}
    report = directory / "report.json"
    if report.exists():
        figures = json.loads(report.read_text())
        if figures["recipe"] != json.loads(json.dumps(settings)):
            raise ValueError(
                "A folder must hold a run of the same recipe; choose another --directory. "
                f"Received: {str(directory)!r}"
            )
        return figures
    directory.mkdir(parents=True, exist_ok=True)
    write_json(directory / "data.json", check_unchanged(directory, dataset))
    keras.utils.set_random_seed(recipe.seed)
    mean, std = dataset.pixel_statistics()
    keras.config.set_dtype_policy(recipe.precision)
    model = NETS[name](len(dataset.classes), mean, std)
    fitted = AugmentedModel(model, recipe.augmentation, mean, std, dataset.x_train)
    compile_model(fitted, recipe, len(dataset.x_train) // recipe.batch_size)
    fitted.optimizer.build(fitted.trainable_variables)
    recorder = RunRecorder(directory, model, None)
    recorder.restore(fitted.optimizer)
    batches = dataset.batches(
        recipe.batch_size, recipe.augmentation, seed=recipe.seed, epoch=len(recorder.history)
    )
    print(f"\n{name}, seed {recipe.seed}, {model.count_params():,} parameters", flush=True)
    fit(fitted, batches, recipe.total_epochs, recorder)
    outputs = evaluation.predict(model, dataset.x_test, recipe.batch_size)
    figures = {
        "recipe": settings,
        "test_accuracy": float((outputs.argmax(axis=1) == dataset.y_test).mean()),
        "training_seconds": sum(row["seconds"] for row in recorder.history),
        "parameters": model.count_params(),
    }
    write_json(report, figures)
    return figures


def table(found):
    """Markdown: parameters, and mean and standard deviation of the test accuracy."""
    lines = ["| network | parameters | test accuracy |", "|---|---|---|"]
    for name, runs in found.items():
        accuracies = [100 * run["test_accuracy"] for run in runs]
        deviation = f" ± {statistics.stdev(accuracies):.2f}" if len(accuracies) > 1 else ""
        cell = f"{statistics.mean(accuracies):.2f}{deviation} %"
        lines.append(f"| {name} | {runs[0]['parameters'] / 1e6:.2f} M | {cell} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
