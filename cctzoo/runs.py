"""From a recipe to files for a device, and from a run to what it holds: what recipes share."""

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np

from cctzoo import cli, data, export, latency, models, training
from cctzoo.formats.atomic import write_json
from cctzoo.training.build import config_from_data

SAMPLES = 1000  # of the test part that every file is checked on


def train_and_deliver(description, preset="digits", **defaults):
    """The whole of a training recipe: reads the command line, trains, exports, times.

    Args:
        description: of the recipe, for `--help`.
        preset: that is taken unless `--preset` names another.
        defaults: of arguments that are not given, see `cli.parse`.
    """
    parser = cli.recipe_parser(description, preset)
    parser.add_argument("--no-export", action="store_true", help="train only")
    run, options = cli.run_recipe(parser, **defaults)
    if not options.no_export:
        deliver(run.model, run.dataset, run.directory)


def deliver(model, dataset, directory):
    """Writes LiteRT float32 and dynamic int8 and a SavedModel to `export/`, and times them.

    Each is compared with Keras on test samples before it appears. Reports and latencies are
    printed, and added to the directory's `report.json`.

    Args:
        model: a model of the zoo.
        dataset: a `Dataset`, for test samples and class names.
        directory: of the run.
    """
    folder = Path(directory, "export")
    folder.mkdir(exist_ok=True)
    known = test_samples(dataset, min(SAMPLES, len(dataset.x_test)))
    reports = []
    for precision in ("float32", "dynamic_int8"):
        path = folder / f"model_{precision}.tflite"
        reports.append(export.to_litert(model, path, precision, **known))
        print(reports[-1])
    reports.append(export.to_saved_model(model, folder / "saved_model", **known))
    print(reports[-1])
    timed = latency.measure(
        {"keras, live": model} | {Path(each.path).name: each.path for each in reports}
    )
    print(f"\n{timed}\n\nall of it in {directory}")
    path = Path(directory, "report.json")
    report = json.loads(path.read_text()) | {
        "exports": [dataclasses.asdict(each) for each in reports],
        "latency": dataclasses.asdict(timed),
    }
    write_json(path, report)


def load_source(source, dataset=None):
    """A model and its data.

    Args:
        source: a run directory, a `.keras` file, or a name as in `models.list_models()`; a
            model for texts that is only named takes words and classes of the data.
        dataset: name of a data set in place of the run's.

    Returns:
        (the model, a `Dataset`, or None where nothing names one). Texts are
        strings: `Dataset.for_model` turns them into ids.
    """
    if Path(source, "recipe.json").is_file():
        recipe = training.Recipe.load(Path(source, "recipe.json"))
        model = keras.saving.load_model(Path(source, "model.keras"), compile=False)
        return model, data.load(dataset) if dataset else recipe.load_data()
    loaded = data.load(dataset) if dataset else None
    if Path(source).suffix == ".keras":
        return keras.saving.load_model(source, compile=False), loaded
    fields = {}
    if loaded and loaded.kind == "texts":
        fields = config_from_data(models.variant_config(source), loaded)
        del fields["classifier_activation"]
    return models.create_model(source, **fields), loaded


def test_samples(dataset, count):
    """`count` images or texts of the test part, spread over it: keywords of every export."""
    chosen = np.linspace(0, len(dataset.x_test) - 1, count).astype(int)
    return {
        "samples": data.take(dataset.x_test, chosen),
        "labels": dataset.y_test[chosen],
        "class_names": dataset.classes,
    }
