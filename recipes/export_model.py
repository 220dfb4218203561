"""Exports a run directory, a .keras file or a named model, in every format asked for.

    python recipes/export_model.py runs/cct_2_3x2_32-20261121-101500
    python recipes/export_model.py model.keras --dataset npz:mine.npz --formats int8 onnx
    python recipes/export_model.py cct_lsmha --formats float32 dynamic_int8 --to exports

A run directory knows its data: test images or texts for the comparison with Keras, training
ones for calibration, class names. For the others `--dataset` gives them, and the words of a
named model for texts. Formats are LiteRT's precisions, saved_model, onnx and openvino. Each
artifact is checked before it appears.
"""

import argparse
import sys
from pathlib import Path

from cctzoo import export
from cctzoo.export.litert import PRECISIONS
from cctzoo.runs import load_source, test_samples

FORMATS = (*PRECISIONS, "saved_model", "onnx", "openvino")


def main():
    options = parse_arguments()
    try:
        model, dataset = load_source(options.source, options.dataset)
        folder = options.to or default_folder(options.source)
        folder.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        sys.exit(f"export_model.py: {error}")
    failed = False
    for chosen in options.formats:
        try:
            print(export_one(model, dataset, folder, chosen, options), flush=True)
        except (ValueError, OSError, RuntimeError, ModuleNotFoundError) as error:
            failed = True
            print(f"{chosen}: {error}", file=sys.stderr)
    sys.exit(1 if failed else 0)


def default_folder(source):
    path = Path(source)
    return path / "export" if path.is_dir() else Path("exports", path.stem)


def export_one(model, dataset, folder, chosen, options):
    """The report of one artifact."""
    known = {}
    if dataset is not None:
        count = min(options.images, len(dataset.x_test))
        known = test_samples(dataset, count - count % options.batch)
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


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("source", help="run directory, .keras file, or name as in cctzoo.models.list_models()")
    add("--formats", nargs="+", default=["float32", "dynamic_int8"], choices=FORMATS)
    add("--dataset", help="as in data.load (default: that of the run)")
    add("--images", type=int, default=1000, help="test images or texts to compare (default: 1000)")
    add("--batch", type=int, default=1, help="images or texts per run (default: 1)")
    add("--least-agreement", type=float, default=0.98, help="with Keras, top-1 (default: 0.98)")
    add("--to", type=Path, help="folder (default: export/ of the run, or exports/NAME)")
    options = parser.parse_args()
    if options.batch < 1 or options.images < options.batch:
        parser.exit(2, "export_model.py: --batch must be at least 1 and --images no fewer\n")
    return options


if __name__ == "__main__":
    main()
