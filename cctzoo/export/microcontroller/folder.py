"""`to_microcontroller`: a folder of C++ sources for TensorFlow Lite Micro, checked before use."""

import dataclasses
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import keras
import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.export import artifact
from cctzoo.export.convert import in_float32
from cctzoo.export.litert import to_litert
from cctzoo.export.microcontroller.interpreter import MicroRunner, check_interpreter
from cctzoo.export.microcontroller.operators import check_model, check_operators
from cctzoo.export.microcontroller.sources import write_sources
from cctzoo.export.report import (
    LEAST_AGREEMENT,
    ExportError,
    ExportReport,
    check_samples,
    least_share,
)
from cctzoo.formats.atomic import atomic_folder
from cctzoo.messages import received
from cctzoo.models.decisions import decide, decision_kind
from cctzoo.plain_values import is_one_of
from cctzoo.runtimes import LiteRTRunner
from cctzoo.typing import PathLike

Precision = Literal["float32", "full_int8"]
PRECISIONS = get_args(Precision)
GRAPH = "model.tflite"
MOST_SAMPLES = 100  # for TFLM, whose kernels are slow on a computer
TOLERANCE = 1e-5  # of float32 from LiteRT, relative to the largest output if that is above 1


@dataclasses.dataclass(frozen=True)
class MicrocontrollerReport:
    """A model as C++ sources, compared with LiteRT and with Keras.

    Attributes:
        path: the folder.
        flash_bytes: size of the array that holds the model. The code of TensorFlow Lite Micro
            and of its kernels comes on top.
        arena_bytes: memory for activations and for the interpreter, with pointers of 64 bits.
        max_difference: largest absolute difference between the outputs of TensorFlow Lite Micro
            and of LiteRT.
        samples: number of samples of this comparison.
        top1_agreement: share of these samples for which both predict the same class or labels;
            None without a classifier.
        litert: the `.tflite` file, compared with Keras.
    """

    path: str
    flash_bytes: int
    arena_bytes: int
    max_difference: float
    samples: int
    top1_agreement: float | None
    litert: ExportReport

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.litert.precision}, {self.flash_bytes / 1e3:.1f} kB of flash for "
            f"the model, {self.arena_bytes / 1e3:.1f} kB of arena, {len(self.litert.operators)} "
            f"kinds of operators, outputs differ from LiteRT's by at most "
            f"{self.max_difference:.1e} on {self.samples} samples, and LiteRT's from Keras' by at "
            f"most {self.litert.max_difference:.1e}"
        )


@checked_arguments
def to_microcontroller(
    model: keras.Model,
    folder: PathLike,
    precision: Precision = "float32",
    samples: Any = None,
    labels: Any = None,
    calibration: Any = None,
    class_names: Sequence[str] | None = None,
    least_agreement: float | None = None,
) -> MicrocontrollerReport:
    """Writes an image model as C++ sources for TensorFlow Lite Micro (TFLM), and runs it there.

    The folder has `model.tflite` and `model.tflite.json`, as `to_litert` writes them, the model
    as an array (`model.h`, `model.cc`) with its class names, input shape, size of the arena and
    the operators to register, a classifier (`classifier.h`, `classifier.cc`), and a program that
    classifies the first sample (`main.cc`, `sample.h`, `sample.cc`). It appears only if the
    interpreter of the package `tflite-micro` computes the outputs of LiteRT. Needs the extras
    `export` and `micro`; `tflite-micro` is for Linux on x86-64.

    Args:
        model: as in `to_litert`, for images. TFLM has no GELU: the model's `activation` must be
            `"quick_gelu"` or `"relu"`.
        folder: path of the folder; an existing one with `model.tflite.json` is replaced.
        precision: `"float32"`; or `"full_int8"`, as in `to_litert`, for a quarter of the flash and
            of the arena. TFLM runs neither float16 weights nor the integer weights with float
            activations of `"dynamic_int8"` and `"int8"`.
        samples, labels, calibration, class_names: as in `to_litert`. The first 100 samples are
            compared with TFLM.
        least_agreement: as in `to_litert`; for integers also the least agreement with LiteRT.

    Raises:
        ValueError: if an argument is invalid, if the model needs an operator that TFLM does not
            have, or if there is something else at `folder`.
        ModuleNotFoundError: if `tflite-micro` is not installed.
        PermissionError: if the folder cannot be created.
        ExportError: as in `to_litert`; if the graph has an operator that TFLM does not have, or
            that it does not have for a type; if a float32 output differs from LiteRT's by more
            than 1e-5 (times the largest output, if that is above 1), or the agreement with
            LiteRT is below `least_agreement`.
    """
    folder = check_folder(folder)
    if not is_one_of(precision, PRECISIONS):
        raise ValueError(
            f"`precision` must be one of {PRECISIONS}: TensorFlow Lite Micro has no kernels for "
            f"other weights than activations. {received(precision=precision)}"
        )
    model = in_float32(model)
    check_model(model)
    check_interpreter()
    metadata = artifact.metadata(model, class_names)
    x, _ = check_samples(model, samples, labels)
    with atomic_folder(folder) as draft:
        litert = to_litert(
            model,
            draft / GRAPH,
            precision,
            samples=samples,
            labels=labels,
            calibration=calibration,
            class_names=class_names,
            least_agreement=least_agreement,
        )
        litert = dataclasses.replace(litert, path=str(folder / GRAPH))
        check_operators(litert.operators)
        graph = _without_metadata(draft / GRAPH)
        run, run_micro = LiteRTRunner(draft / GRAPH), MicroRunner(graph)
        expected, got = (each(x[:MOST_SAMPLES]) for each in (run, run_micro))
        report = MicrocontrollerReport(
            path=str(folder),
            flash_bytes=len(graph),
            arena_bytes=run_micro.arena_bytes,
            max_difference=float(np.abs(got - expected).max()),
            samples=len(got),
            top1_agreement=_agreement(model.config, expected, got),
            litert=litert,
        )
        tolerance = TOLERANCE * max(1.0, float(np.abs(expected).max()))
        require_equal(report, tolerance, least_agreement)
        if precision != "float32":  # integers of other kernels are rounded in other places
            tolerance = max(tolerance, 2 * report.max_difference)
        sample = _sample(model, x[0])
        write_sources(
            draft,
            graph,
            metadata,
            litert.operators,
            report.arena_bytes,
            sample,
            run(sample[None])[0],
            tolerance,
        )
        figures = dataclasses.asdict(report)
        del figures["litert"]  # is in the file as `export`
        about = {**metadata, "microcontroller": figures}
        artifact.write_metadata(Path(f"{draft / GRAPH}.json"), about, litert)
    return report


def check_folder(folder: PathLike) -> Path:
    """Returns `folder` as a Path if an export can be written there.

    Raises:
        ValueError: if something else is there, or the parent folder does not exist.
        PermissionError: if the parent folder is not writable.
    """
    folder = Path(folder)
    empty = folder.is_dir() and not any(folder.iterdir())
    ours = empty or (folder / f"{GRAPH}.json").is_file()
    if not folder.parent.is_dir() or (folder.exists() and not ours):
        raise ValueError(
            "`folder` must be new, or the folder of an earlier export for microcontrollers, in an "
            f"existing folder. Received: folder={str(folder)!r}"
        )
    artifact.check_writable(folder.parent)
    return folder


def require_equal(
    report: MicrocontrollerReport, tolerance: float, least_agreement: float | None
) -> None:
    """Raises ExportError if TFLM's outputs are too far from those of LiteRT.

    Args:
        report: the report.
        tolerance: the largest difference of float32 outputs.
        least_agreement: as in `to_microcontroller`.
    """
    if report.litert.precision == "float32":
        if not report.max_difference <= tolerance:  # this form refuses NaN as well
            raise ExportError(
                f"TensorFlow Lite Micro must compute LiteRT's outputs within {tolerance:.3g}. "
                f"Received: max_difference={report.max_difference:.3g}, path={report.path!r}"
            )
        return
    if least_agreement is None:
        least_agreement = LEAST_AGREEMENT[report.litert.precision]
    least = least_share(least_agreement, report.samples)
    if report.top1_agreement is not None and not report.top1_agreement >= least:
        raise ExportError(
            f"TensorFlow Lite Micro must predict LiteRT's classes for at least {least:.2%} of the "
            f"samples. Received: top1_agreement={report.top1_agreement:.2%} on {report.samples} "
            f"samples, path={report.path!r}"
        )


def _agreement(config, expected, got):
    if decision_kind(config) is None:
        return None
    return float((decide(config, expected) == decide(config, got)).mean())


def _without_metadata(path):
    """The bytes of a graph without the zip archive that `embed_in_litert` appended."""
    with zipfile.ZipFile(path) as archive:
        end = min(entry.header_offset for entry in archive.infolist())
    return path.read_bytes()[:end]


def _sample(model, values):
    """The first sample: as whole pixels, if the model takes pixels."""
    if getattr(model.config, "include_preprocessing", False):
        return np.clip(np.rint(values), 0, 255).astype("uint8")
    return values
