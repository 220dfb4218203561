"""Exports a run, trained weights or a named model in several formats.

    python recipes/export_model.py runs/cct_2_3x2_32-20261121-101500
    python recipes/export_model.py runs/cct_2_3x2_32-20261121-101500 --no-data
    python recipes/export_model.py model.keras --dataset npz:mine.npz --formats int8 onnx
    python recipes/export_model.py cct_2_3x2_32.digits --dataset digits
    python recipes/export_model.py cct_lsmha --formats float32 dynamic_int8 --to exports

The data set of the run gives test samples for the comparison with Keras, training samples for
calibration, and the class names. `--dataset` gives them for other models, and for a run whose
data are elsewhere; a named text model also takes its vocabulary from it. With `--no-data`, the
comparison uses noise, and the class names are those of the run. Formats are the precisions of
LiteRT, saved_model, onnx and openvino. Each file is checked before it appears.

Gives: sizes and latencies in docs/benchmarks.md.
"""

import sys
from pathlib import Path

from cctzoo import cli, export
from cctzoo.delivery import comparison_samples
from cctzoo.export.litert import PRECISIONS
from cctzoo.flags import flag
from cctzoo.formats.lock import locked
from cctzoo.runs import (
    class_names,
    is_run,
    load_model_and_data,
    open_model,
)
from cctzoo.weights import list_weights

FORMATS = (*PRECISIONS, "saved_model", "onnx", "openvino")


def main():
    parser = make_parser()
    options = parser.parse_args()
    cli.show_notices()
    if options.batch < 1 or options.samples < options.batch:
        parser.error("--batch must be at least 1, and --samples at least --batch")
    with cli.exit_on_error(parser, status=1):
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


def export_all(model, dataset, folder, options):
    """Exports in all formats; returns whether one of them failed."""
    failed = False
    for chosen in options.formats:
        try:
            print(export_one(model, dataset, folder, chosen, options), flush=True)
        except BrokenPipeError:
            raise
        except (ValueError, OSError, RuntimeError, ModuleNotFoundError) as error:
            failed = True
            print(f"{chosen}: {error}", file=sys.stderr)
    return failed


def check_no_data(options):
    """Raises ValueError if --no-data is given with what needs data."""
    given = ["--dataset"] if options.dataset else []
    given += [flag(name) for name in cli.data_options(options)]
    given += ["--formats int8"] if "int8" in options.formats else []
    if given:
        raise ValueError(
            "`--no-data` must not be given with data options, or with int8, whose ranges are "
            f"calibrated on training samples. Received: --no-data with {', '.join(given)}"
        )


def default_folder(source):
    if is_run(source):
        return Path(source, "export")
    return Path("exports", source if source in list_weights() else Path(source).stem)


def export_one(model, dataset, folder, chosen, options):
    """Exports in one format; returns the report."""
    known = {"class_names": class_names(options.source)}
    if dataset is not None:
        count = min(options.samples, len(dataset.x_test))
        known = comparison_samples(dataset, count - count % options.batch)
    if chosen == "saved_model":
        return export.to_saved_model(model, folder / "saved_model", **known)
    if chosen == "onnx":
        return export.to_onnx(model, folder / "model.onnx", options.batch, **known)
    if chosen == "openvino":
        return export.to_openvino(model, folder / "model.xml", options.batch, **known)
    return export.to_litert(
        model,
        folder / f"model_{chosen}.tflite",
        chosen,
        options.batch,
        calibration=dataset,
        least_agreement=options.least_agreement,
        **known,
    )


def make_parser():
    parser = cli.script_parser(__doc__)
    add = parser.add_argument
    add("source", help=cli.SOURCE_HELP)
    add("--formats", nargs="+", default=["float32", "dynamic_int8"], choices=FORMATS)
    cli.add_data_arguments(parser, default="that of the run")
    add("--no-data", action="store_true", help="compare on noise; for a run without its data")
    add("--samples", type=int, default=1000, help="test samples for the comparison (1000)")
    add("--batch", type=int, default=1, help="samples per inference (1)")
    add("--least-agreement", type=float, default=0.98, help="top-1 agreement with Keras (0.98)")
    add("--to", type=Path, help="output folder (export/ of the run, or exports/NAME)")
    return parser


if __name__ == "__main__":
    main()
