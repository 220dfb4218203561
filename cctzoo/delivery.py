"""Deliveries: the exported files of a trained model, compared with Keras and timed."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cctzoo import data, export, latency
from cctzoo.arguments import checked_arguments
from cctzoo.data import Dataset
from cctzoo.export.convert import check_converter
from cctzoo.export.quantization import check_quantizer
from cctzoo.formats.atomic import write_json
from cctzoo.formats.lock import locked
from cctzoo.training import Run
from cctzoo.training.report import write_run_page
from cctzoo.training.report.deliveries import DELIVERY
from cctzoo.typing import PathLike

SAMPLES = 1000  # test samples on which every exported file is compared with Keras

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

    @property
    def figures(self) -> dict[str, Any]:
        """The contents of `report.json`."""
        figures = dataclasses.asdict(self)
        return {name: figures[name] for name in ("exports", "latency")}


@checked_arguments
def deliver(model: keras.Model, dataset: Dataset, directory: PathLike) -> Delivery:
    """Exports a model to LiteRT float32, LiteRT dynamic int8 and SavedModel, and times them.

    Every file is compared with Keras on test samples before it appears in `export/` of the
    directory. `export/report.json` is written last: it holds the figures that are returned.

    Args:
        model: a `CCT` or a `SoftCommittee`.
        dataset: the data set, for test samples and class names.
        directory: an existing folder, e.g. that of the run.

    Raises:
        ValueError: if another process is writing `export/`.
        ExportError: if a file does not give the outputs of the Keras model.
    """
    folder = Path(directory, "export")
    with locked(folder):
        return _deliver(model, dataset, folder)


def deliver_run(run: Run) -> Delivery:
    """Delivers the model of a run into its directory; its `report.html` then has the exports."""
    delivery = deliver(run.model, run.dataset, run.directory)
    write_run_page(run, delivery.figures)
    return delivery


def _deliver(model, dataset, folder):
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
    write_json(folder / DELIVERY.name, delivery.figures)
    return delivery


def check_delivery() -> None:
    """Raises ModuleNotFoundError if a package that `deliver` needs is not installed."""
    check_converter("litert")
    check_quantizer()


@checked_arguments
def is_delivered(directory: PathLike) -> bool:
    """Whether `deliver` has finished for a directory."""
    return Path(directory, DELIVERY).is_file()


@checked_arguments
def comparison_samples(dataset: Dataset, count: int) -> dict[str, Any]:
    """Returns `count` samples, spread over the test part, as keywords of the export functions."""
    chosen = np.linspace(0, len(dataset.x_test) - 1, count).astype(int)
    return {
        "samples": data.take(dataset.x_test, chosen),
        "labels": dataset.y_test[chosen],
        "class_names": dataset.classes,
    }
