"""Trains a compact transformer, exports it, and times what came out.

Without arguments: cct_2_3x2_32 on scikit-learn's handwritten digits (1,797 real images,
offline), in a run directory with recipe, history, curves, weights, exports and a report.

    KERAS_BACKEND=jax python recipes/train_cct.py
    python recipes/train_cct.py --model cct_7_3x1_32 --heads 64 --conv-prefix 3 \\
        --dataset npz:cifar10.npz --epochs 15 --batch-size 128 --crop-padding 4 --flip
"""

import argparse
import dataclasses
import time
from pathlib import Path

from cctzoo import export, latency, training


def main():
    recipe, directory = parse_arguments()
    run = training.train(recipe, directory)
    report = run.report
    print(
        f"\ntest accuracy {report['test_accuracy']:.2%} on {report['test_images']} images, "
        f"trained in {report['training_seconds']:.0f} s "
        f"({report['images_per_second']:.0f} images/s, {report['backend']})\n"
    )
    reports = export_all(run)
    report["exports"] = [dataclasses.asdict(each) for each in reports]
    timed = latency.measure(
        {"keras, live": run.model} | {Path(each.path).name: each.path for each in reports}
    )
    print(f"\n{timed}\n\nall of it in {directory}")
    report["latency"] = dataclasses.asdict(timed)
    training.write_json(report, directory / "report.json")


def export_all(run):
    """LiteRT float32 and dynamic int8, and a SavedModel, each checked on the test images."""
    folder = run.directory / "export"
    folder.mkdir()
    known = {
        "images": run.dataset.x_test[:1000],
        "labels": run.dataset.y_test[:1000],
        "class_names": run.dataset.classes,
    }
    reports = []
    for precision in ("float32", "dynamic_int8"):
        path = folder / f"model_{precision}.tflite"
        reports.append(export.to_litert(run.model, path, precision, **known))
        print(reports[-1])
    reports.append(export.to_saved_model(run.model, folder / "saved_model", **known))
    print(reports[-1])
    return reports


def parse_arguments():
    """(Recipe, run directory); a wrong argument ends with one line and exit code 2."""
    defaults = training.Recipe()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--model", default=defaults.model, help="name, as in cctzoo.models.list_models()")
    add("--heads", type=int, help="attention heads of every block (default: the model's)")
    add("--head-dim", type=int, help="width of a head (default: the model's width / heads)")
    add("--conv-prefix", type=int, help="first blocks that are convolutions (default: none)")
    add("--dataset", default=defaults.dataset, help="digits, or npz:PATH (default: digits)")
    add("--epochs", type=int, default=defaults.epochs)
    add("--warmup-epochs", type=int, help="(default: a tenth of the epochs)")
    add("--batch-size", type=int, default=defaults.batch_size)
    add("--learning-rate", type=float, default=defaults.learning_rate)
    add("--weight-decay", type=float, default=defaults.weight_decay)
    add("--crop-padding", type=int, default=defaults.crop_padding, help="of random crops, pixels")
    add("--flip", action="store_true", help="mirror images left to right at random")
    add("--seed", type=int, default=defaults.seed)
    add("--precision", default=defaults.precision, help="float32, mixed_bfloat16, mixed_float16")
    add("--directory", type=Path, help="of the run, new or empty (default: runs/MODEL-TIME)")
    values = vars(parser.parse_args())
    directory = values.pop("directory") or Path(
        "runs", f"{values['model']}-{time.strftime('%Y%m%d-%H%M%S')}"
    )
    changes = {key: values.pop(key) for key in ("heads", "head_dim", "conv_prefix")}
    if values["warmup_epochs"] is None:
        values["warmup_epochs"] = values["epochs"] // 10
    try:
        training.check_directory(directory)
        changes = {key: value for key, value in changes.items() if value is not None}
        return training.Recipe(**values, changes=changes), directory
    except ValueError as error:
        parser.exit(2, f"train_cct.py: {error}\n")


if __name__ == "__main__":
    main()
