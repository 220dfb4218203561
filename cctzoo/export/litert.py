"""Export to LiteRT (.tflite), the format of phones and boards."""

from pathlib import Path

from cctzoo.export import artifact
from cctzoo.export.convert import convert, in_float32
from cctzoo.export.quantization import calibration_batches, check_quantizer, quantise
from cctzoo.export.report import (
    LEAST_AGREEMENT,
    ExportError,
    ExportReport,
    check_samples,
    compare,
    require_parity,
)
from cctzoo.formats.atomic import atomic_file
from cctzoo.runtimes import LiteRTRunner

PRECISIONS = ("float32", "float16", "dynamic_int8", "int8")


def to_litert(
    model,
    path,
    precision="float32",
    batch=1,
    samples=None,
    labels=None,
    calibration=None,
    class_names=None,
    least_agreement=LEAST_AGREEMENT,
):
    """Writes a model as `.tflite`, runs it, and compares it with Keras.

    The graph has a static batch, one XNNPACK partition, and batch norms folded into their
    convolutions. It takes what the model does: float32 images, of 0-255 if the model includes
    its preprocessing, or int32 ids. Class names and preprocessing, or the words of the ids, go
    into the file (`unzip -p model.tflite metadata.json`) and, with the report, into
    `model.tflite.json` beside it. The files appear when all checks have passed, or not at all.

    Args:
        model: a `CCT` or `SoftCommittee`, on any backend.
        path: of the file, ending in `.tflite`; a file that is there is replaced.
        precision: `"float32"`; `"float16"` (weights); `"dynamic_int8"` (int8 weights, inputs
            of products quantised on the fly), which is what ships on CPUs; or `"int8"`
            (the encoder's dense products with calibrated ranges, the others as in
            `"dynamic_int8"`; LayerNorm, softmax, attention and residual additions in float).
            Of texts, both have word vectors of int8, on one scale; with `"float16"` they stay
            in float32, and the file is hardly smaller.
        batch: images or texts per run.
        samples: n real images (n, height, width, channels), or n texts: as ids (n, length),
            or as str for a model that knows its words. n is a multiple of `batch`. For the
            comparison; default: 16 of seeded noise, and no top-1 agreement.
        labels: their classes, integers (n,), for the accuracy.
        calibration: for `"int8"`: more such samples, a `data.Dataset`,
            or a run directory; at most 500 are used.
        class_names: one for each class.
        least_agreement: part of the samples on which a precision other than float32 has to
            name the same class as Keras.

    Returns:
        An `ExportReport`.

    Raises:
        ValueError: for a wrong argument, and for int8 without calibration.
        PermissionError: if the folder is not writable.
        ExportError: if the conversion fails, the graph holds a Flex or custom operator or
            splits into more than one partition, a float32 export differs from Keras by more
            than 1e-4, or another one falls below `least_agreement`.
    """
    path = artifact.check_path(path, ".tflite")
    if precision == "int16x8":
        raise ValueError(
            "LiteRT has no fast form with 16-bit activations: cct_conv so converted took 15 times "
            'as long as in float32, in 9 partitions. Use "int8" or "dynamic_int8". '
            "Received: precision='int16x8'"
        )
    if precision not in PRECISIONS:
        raise ValueError(
            f"`precision` must be one of {PRECISIONS}. Received: precision={precision!r}"
        )
    if not isinstance(batch, int) or batch < 1:
        raise ValueError(f"`batch` must be a positive integer. Received: batch={batch!r}")
    model = in_float32(model)
    description = artifact.describe(model, class_names)
    x, y = check_samples(model, samples, labels, batch)
    if precision != "float32":
        check_quantizer()
    batches = calibration_batches(model, calibration, batch) if precision == "int8" else None
    with atomic_file(path) as draft:
        if precision == "float32":
            convert(model, draft, "litert", batch)
        else:
            whole = draft.with_name("float32.tflite")
            convert(model, whole, "litert", batch)
            quantise(whole, draft, precision, batches)
            whole.unlink()
        artifact.embed_in_litert(draft, description)
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
            **compare(model, run, x, y, real=samples is not None),
        )
        require_one_partition(report)
        require_parity(report, least_agreement)
        artifact.write_description(Path(f"{draft}.json"), description, report)
    return report


def require_one_partition(report):
    """Raises ExportError for a graph that the XNNPACK delegate does not run as a whole."""
    foreign = [name for name in report.operators if name.startswith(("Flex", "CUSTOM"))]
    if foreign or report.partitions != 1:
        raise ExportError(
            "A LiteRT graph must be one XNNPACK partition without Flex or custom operators. "
            f"Received: partitions={report.partitions}, foreign operators={foreign} for "
            f"{report.path}"
        )
