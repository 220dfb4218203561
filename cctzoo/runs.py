"""Finished runs: open them, and export and time their models."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cctzoo import data, export, latency, models
from cctzoo.data import Dataset
from cctzoo.export.convert import check_converter
from cctzoo.export.quantization import check_quantizer
from cctzoo.formats.atomic import write_json
from cctzoo.training import Run, is_run, open_run
from cctzoo.training.build import config_from_data
from cctzoo.typing import PathLike

__all__ = [
    "Delivery",
    "Run",
    "deliver",
    "is_delivered",
    "is_run",
    "load_model_and_data",
    "open_run",
]

SAMPLES = 1000  # test samples on which every exported file is compared with Keras
REPORT = Path("export", "report.json")

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Delivery:
    """The exported files of a model, and their latency next to the Keras model's.

    Args:
        folder: the folder of the files and of `report.json`.
        exports: a report per file.
        latency: the measured latencies.
    """

    folder: Path
    exports: list[export.ExportReport]
    latency: latency.LatencyReport


def deliver(model: keras.Model, dataset: Dataset, directory: PathLike) -> Delivery:
    """Exports a model to LiteRT float32, LiteRT dynamic int8 and SavedModel, and times them.

    Every file is compared with Keras on test samples before it appears in `export/` of the
    directory. `export/report.json` is written last: it holds the figures that are returned.

    Args:
        model: a `CCT` or a `SoftCommittee`.
        dataset: the data set, for test samples and class names.
        directory: an existing folder, e.g. that of the run.

    Raises:
        ExportError: if a file does not give the outputs of the Keras model.
    """
    folder = Path(directory, "export")
    folder.mkdir(exist_ok=True)
    known = comparison_samples(dataset, min(SAMPLES, len(dataset.x_test)))
    exports = []
    for precision in ("float32", "dynamic_int8"):
        path = folder / f"model_{precision}.tflite"
        exports.append(export.to_litert(model, path, precision, **known))
        logger.info("%s", exports[-1])
    exports.append(export.to_saved_model(model, folder / "saved_model", **known))
    logger.info("%s", exports[-1])
    targets = {Path(report.path).name: report.path for report in exports}
    timed = latency.measure({"keras, live": model} | targets)
    logger.info("\n%s", timed)
    delivery = Delivery(folder, exports, timed)
    figures = dataclasses.asdict(delivery)
    write_json(Path(directory, REPORT), {name: figures[name] for name in ("exports", "latency")})
    return delivery


def check_delivery() -> None:
    """Raises ModuleNotFoundError if a package that `deliver` needs is not installed."""
    check_converter("litert")
    check_quantizer()


def is_delivered(directory: PathLike) -> bool:
    """Whether `deliver` has finished for a directory."""
    return Path(directory, REPORT).is_file()


def load_model_and_data(
    source: PathLike, dataset: str | None = None, **options: Any
) -> tuple[keras.Model, Dataset | None]:
    """Loads a model, and the data set of its run or another one.

    Args:
        source: a run directory, a `.keras` file, or a name as in `models.list_models()`. A named
            text model takes its vocabulary and its classes from the data set.
        dataset: name of a data set. Default: that of the run, or none.
        options: keywords of `data.load`, e.g. `data_dir`. For the data set of a run, they take
            the place of the run's options.

    Returns:
        (model, data set or `None`). Texts are strings, see `Dataset.for_model`.

    Raises:
        ValueError: if the source does not exist, or options are given without a data set.
    """
    if is_run(source):
        run = open_run(source, **({} if dataset else options))
        return run.model, data.load(dataset, **options) if dataset else run.dataset
    if options and not dataset:
        raise ValueError(f"Data options need a data set. Received: dataset=None, {options}")
    loaded = data.load(dataset, **options) if dataset else None
    if Path(source).suffix == ".keras":
        return keras.saving.load_model(source, compile=False), loaded
    fields = {}
    if loaded and loaded.kind == "texts":
        fields = config_from_data(models.variant_config(str(source)), loaded)
        del fields["classifier_activation"]
    return models.create_model(str(source), **fields), loaded


def comparison_samples(dataset: Dataset, count: int) -> dict[str, Any]:
    """Returns `count` samples, spread over the test part, as keywords of the export functions."""
    chosen = np.linspace(0, len(dataset.x_test) - 1, count).astype(int)
    return {
        "samples": data.take(dataset.x_test, chosen),
        "labels": dataset.y_test[chosen],
        "class_names": dataset.classes,
    }
