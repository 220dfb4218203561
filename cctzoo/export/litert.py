"""Export to LiteRT (.tflite), the format of phones and boards."""

import os
import tempfile
from pathlib import Path

from cctzoo.export.convert import convert
from cctzoo.export.report import ExportError, ExportReport, compare, require_parity
from cctzoo.export.runtime import LiteRTRunner

PRECISIONS = ("float32", "dynamic_int8")


def to_litert(model, path, precision="float32", batch=1, images=None):
    """Writes a model as `.tflite`, runs it, and compares it with Keras.

    The graph has a static batch, one XNNPACK partition, and batch norms folded into their
    convolutions. It takes float32 images as the model does: pixels 0-255 if the model
    includes its preprocessing. The file appears when all checks have passed, or not at all.

    Args:
        model: a `CCT`, on any backend.
        path: of the file, ending in `.tflite`; a file that is there is replaced.
        precision: `"float32"`, or `"dynamic_int8"` (int8 weights, float activations,
            quantised on the fly), which is what ships on CPUs.
        batch: images per run.
        images: real images (n, height, width, channels), n a multiple of `batch`, for the
            comparison. Default: 16 of seeded noise, and no top-1 agreement.

    Returns:
        An `ExportReport`.

    Raises:
        ValueError: for a wrong `path`, `precision`, `batch` or shape of `images`.
        ExportError: if the graph holds a Flex or custom operator or splits into more than
            one partition, or a float32 export differs from Keras by more than 1e-4.
    """
    path = Path(path)
    if path.suffix != ".tflite" or not path.parent.is_dir():
        raise ValueError(
            "`path` must end in .tflite and lie in a folder that exists. "
            f"Received: path={str(path)!r}"
        )
    if precision not in PRECISIONS:
        raise ValueError(
            f"`precision` must be one of {PRECISIONS}. Received: precision={precision!r}"
        )
    if not isinstance(batch, int) or batch < 1:
        raise ValueError(f"`batch` must be a positive integer. Received: batch={batch!r}")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        draft = Path(folder, path.name)
        convert(model, draft, precision, batch)
        run = LiteRTRunner(draft)
        operators = run.operators()
        partitions = operators.pop("DELEGATE", 0)
        report = ExportReport(
            path=str(path),
            format="litert",
            precision=precision,
            bytes=draft.stat().st_size,
            operators=operators,
            partitions=partitions,
            **compare(model, run, images),
        )
        foreign = [name for name in operators if name.startswith(("Flex", "CUSTOM"))]
        if foreign or partitions != 1:
            raise ExportError(
                "A LiteRT graph must be one XNNPACK partition without Flex or custom operators. "
                f"Received: partitions={partitions}, foreign operators={foreign} for {path}"
            )
        if precision == "float32":
            require_parity(report)
        os.replace(draft, path)
    return report
