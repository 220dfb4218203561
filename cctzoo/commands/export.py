"""Exports a run, trained weights or a named model in several formats.

    cctzoo export runs/cct_2_3x2_32-20261121-101500
    cctzoo export runs/cct_2_3x2_32-20261121-101500 --no-data
    cctzoo export model.keras --dataset npz:mine.npz --formats int8 onnx
    cctzoo export cct_2_3x2_32.digits --dataset digits
    cctzoo export cct_lsmha --formats float32 dynamic_int8 --to exports

The data set of the run gives test samples for the comparison with Keras, training samples for
calibration, and the class names. `--dataset` gives them for other models, and for a run whose
data are elsewhere; a named text model also takes its vocabulary from it. With `--no-data`, the
comparison uses noise, and the class names are those of the run. Formats are the precisions of
LiteRT, saved_model, onnx and openvino; the folders of the servers tensorflow_serving and triton;
C++ sources for TensorFlow Lite Micro, microcontroller and microcontroller_int8; and web, a page
that classifies in the browser, see `cctzoo serve`. Each file is checked before it appears.

With `--tune`, models with many heads are exported with groups of heads of several sizes, and the
file that is fastest on this machine is kept, or by `--latency-command "time_on_phone.sh {model}"`.
"""

import argparse
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

from cctzoo import cli, export
from cctzoo.commands.page_flags import add_page_arguments, page_options
from cctzoo.data import Dataset
from cctzoo.delivery import comparison_samples
from cctzoo.export.litert import CALIBRATED, PRECISIONS
from cctzoo.flags import flag
from cctzoo.formats.lock import locked
from cctzoo.latency_command import check_command, run_command
from cctzoo.models import CCT, SoftCommittee
from cctzoo.runs import is_run, load_model_and_data, open_model
from cctzoo.training.processes import check_alone
from cctzoo.weights import list_weights

# Name of the format -> precision.
MICROCONTROLLER = {"microcontroller": "float32", "microcontroller_int8": "full_int8"}
FORMATS = (
    *PRECISIONS,
    *("saved_model", "onnx", "openvino", "tensorflow_serving", "triton", *MICROCONTROLLER, "web"),
)


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    cli.show_notices("stderr" if options.json else "stdout")
    if options.batch < 1 or options.samples < options.batch:
        parser.error("--batch must be at least 1, and --samples at least --batch")
    if options.latency_command and not options.tune:
        parser.error("--latency-command needs --tune")
    with cli.exit_on_error(parser, status=1):
        check_alone("An export")
        options.tune = timer(options)
        if options.no_data:
            check_no_data(options)
            model, dataset = open_model(options.source), None
        else:
            model, dataset = load_model_and_data(
                options.source, options.dataset, **cli.data_options(options)
            )
        folder = options.to or default_folder(options.source)
        with locked(folder):
            failed = export_all(model, dataset, folder, options)
    sys.exit(1 if failed else 0)


def export_all(
    model: CCT | SoftCommittee, dataset: Dataset | None, folder: Path, options: argparse.Namespace
) -> bool:
    """Exports in all formats; returns whether one of them failed."""
    failed, reports = False, []
    for chosen in options.formats:
        try:
            reports.append(export_one(model, dataset, folder, chosen, options))
            if not options.json:
                print(reports[-1], flush=True)
        except BrokenPipeError:
            raise
        except (ValueError, OSError, RuntimeError, ModuleNotFoundError) as error:
            failed = True
            print(f"{chosen}: {error}", file=sys.stderr)
    if options.json:
        cli.print_json([dataclasses.asdict(report) for report in reports])
    return failed


def check_no_data(options: argparse.Namespace) -> None:
    """Raises ValueError if --no-data is given with what needs data."""
    given = ["--dataset"] if options.dataset else []
    given += [flag(name) for name in cli.data_options(options)]
    precisions = {each: MICROCONTROLLER.get(each, each) for each in options.formats}
    given += [f"--formats {each}" for each in precisions if precisions[each] in CALIBRATED]
    if given:
        raise ValueError(
            "`--no-data` must not be given with data options, or with formats whose ranges are "
            "calibrated on training samples. "
            f"Received: --no-data with {', '.join(given)}"
        )


def default_folder(source: str) -> Path:
    if is_run(source):
        return Path(source, "export")
    return Path("exports", source if source in list_weights() else Path(source).stem)


def export_one(
    model: CCT | SoftCommittee,
    dataset: Dataset | None,
    folder: Path,
    chosen: str,
    options: argparse.Namespace,
) -> export.ExportReport:
    """Exports in one format; returns the report."""
    known = {}
    if dataset is not None:
        count = min(options.samples, len(dataset.x_test))
        known = comparison_samples(dataset, count - count % options.batch)
    if chosen == "saved_model":
        return export.to_saved_model(model, folder / "saved_model", **known)
    if chosen == "onnx":
        return export.to_onnx(model, folder / "model.onnx", options.batch, **known)
    if chosen == "openvino":
        return export.to_openvino(model, folder / "model.xml", options.batch, **known)
    # Not `triton`: PyTorch would import a folder of this name in the current one as its package.
    if chosen == "tensorflow_serving":
        return export.to_tensorflow_serving(model, folder / "tensorflow_models", **known)
    if chosen == "triton":
        return export.to_triton(model, folder / "triton_models", **known)
    if chosen in MICROCONTROLLER:
        return export.to_microcontroller(
            model,
            folder / chosen,
            MICROCONTROLLER[chosen],
            calibration=dataset,
            least_agreement=options.least_agreement,
            **known,
        )
    if chosen == "web":
        return export.to_web(model, folder / "web", **known, **page_options(options))
    return export.to_litert(
        model,
        folder / f"model_{chosen}.tflite",
        chosen,
        options.batch,
        calibration=dataset,
        least_agreement=options.least_agreement,
        tune=options.tune,
        **known,
    )


def timer(options: argparse.Namespace) -> bool | Callable[[Path], float]:
    """`tune` of `to_litert`."""
    if options.latency_command:
        check_command(options.latency_command)
        return lambda path: run_command(options.latency_command, path)
    return options.tune


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    add = parser.add_argument
    add("source", help=cli.SOURCE_HELP)
    add("--formats", nargs="+", default=["float32", "dynamic_int8"], choices=FORMATS)
    cli.add_data_arguments(parser, default="that of the run")
    add("--no-data", action="store_true", help="compare on noise; for a run without its data")
    add("--samples", type=int, default=1000, help="test samples for the comparison (1000)")
    add("--batch", type=int, default=1, help="samples per inference (1)")
    add("--least-agreement", type=float, help="with Keras' classes (0.98; full_int8: 0.96)")
    add("--tune", action="store_true", help="time candidates of each LiteRT file, keep the fastest")
    add("--latency-command", help="prints milliseconds of {model}, for --tune; default: here")
    add("--to", type=Path, help="output folder (export/ of the run, or exports/NAME)")
    cli.add_json_argument(parser)
    add_page_arguments(parser)
    return parser
