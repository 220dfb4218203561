"""Export to LiteRT (.tflite), the format for phones and single-board computers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import keras

from cctzoo.arguments import checked_arguments
from cctzoo.export import artifact
from cctzoo.export.convert import in_float32
from cctzoo.export.group_sizes import candidates, time_candidates, write_graph
from cctzoo.export.quantization import calibration_batches, check_quantizer
from cctzoo.export.report import (
    LEAST_AGREEMENT,
    ExportError,
    ExportReport,
    check_samples,
    compare,
    require_parity,
)
from cctzoo.formats.atomic import atomic_file
from cctzoo.messages import shown
from cctzoo.runtimes import LiteRTRunner
from cctzoo.typing import PathLike

Precision = Literal["float32", "float16", "dynamic_int8", "int8"]
PRECISIONS = get_args(Precision)


@checked_arguments
def to_litert(
    model: keras.Model,
    path: PathLike,
    precision: Precision = "float32",
    batch: int = 1,
    samples: Any = None,
    labels: Any = None,
    calibration: Any = None,
    class_names: Sequence[str] | None = None,
    least_agreement: float = LEAST_AGREEMENT,
    tune: bool | Callable[[Path], float] = False,
) -> ExportReport:
    """Writes a model as `.tflite`, runs it, and compares it with Keras.

    The graph has a static batch size and one XNNPACK partition; batch norms are folded into
    convolutions. It takes the model's inputs: float32 images, with values 0-255 if the model
    includes its preprocessing, or int32 token ids. The class names, and the preprocessing and view
    or the vocabulary, are embedded in the file (`unzip -p model.tflite metadata.json`), and stored
    with the report in `model.tflite.json` next to it. Both files appear only if all checks pass.

    Example:

    ```python
    import cctzoo

    model = cctzoo.models.create_model("cct_2_3x2_32")
    report = cctzoo.export.to_litert(model, "model.tflite", "dynamic_int8")
    print(report.bytes, report.max_difference)
    ```

    Args:
        model: a `CCT` or a `SoftCommittee`, on any backend; or a functional Keras model with one
            input and one output that holds one, e.g. with a head of its own, or its layers.
        path: path of the file, ending in `.tflite`; an existing file is replaced.
        precision: `"float32"`; `"float16"` (weights only); `"dynamic_int8"` (int8 weights,
            activations quantised at run time), the usual choice for CPUs; or `"int8"` (static
            ranges for the dense layers of the encoder, all others as in `"dynamic_int8"`;
            LayerNorm, softmax, attention and residual additions stay in float). For text
            models, both int8 forms store the word vectors as int8 with one scale; `"float16"`
            leaves them in float32, so the file is hardly smaller.
        batch: images or texts per run.
        samples: n images (n, height, width, channels), `data.EncodedImages`, or paths of image
            files if the model has a view; or n texts: ids (n, length), or str if the model has a
            vocabulary. n must be a multiple of `batch`. Default: 16 random inputs, without top-1
            agreement.
        labels: the classes of the samples, integers (n,), for the accuracy.
        calibration: for `"int8"`, more such samples, or a `data.Dataset`, whose training part
            is used; at most 500 samples are used.
        class_names: one name for each class.
        least_agreement: share of the samples for which a precision other than float32 must
            predict the same class as Keras. Below 1, one sample of at least 10 may differ. For
            a model without a classifier: the least mean cosine similarity of the features.
        tune: whether to choose the number of heads that the graph computes at a time by
            exporting up to six candidates and timing them: True times on one thread of this
            machine; a function times elsewhere, e.g. on a phone: it gets the path of a
            candidate and returns milliseconds. The report has the times. Without narrow heads
            there is one candidate, which is not timed.

    Raises:
        ValueError: if an argument is invalid, `"int8"` has no calibration, or `tune` returns
            no positive number.
        PermissionError: if the folder is not writable.
        ExportError: if the conversion fails, the graph contains a Flex or custom operator or
            has more than one partition, a float32 output differs from Keras' by more than
            1e-4 (times the largest output, if that is above 1), or the agreement is below
            `least_agreement`.
    """
    path = artifact.check_path(path, ".tflite")
    if precision == "int16x8":
        raise ValueError(
            "LiteRT has no fast kernels for 16-bit activations: `cct_conv` took 15 times as long "
            'as in float32, in 9 partitions. Use "int8" or "dynamic_int8". '
            "Received: precision='int16x8'"
        )
    if precision not in PRECISIONS:
        raise ValueError(
            f"`precision` must be one of {PRECISIONS}. Received: precision={precision!r}"
        )
    if not isinstance(batch, int) or batch < 1:
        raise ValueError(f"`batch` must be a positive integer. Received: batch={shown(batch)}")
    model = in_float32(model)
    metadata = artifact.metadata(model, class_names)
    x, y = check_samples(model, samples, labels, batch)
    if precision != "float32":
        check_quantizer()
    batches = calibration_batches(model, calibration, batch) if precision == "int8" else None
    times = time_candidates(model, precision, batch, batches, tune) if tune else {}
    with atomic_file(path) as draft:
        scale = candidates(model)[min(times, key=times.__getitem__)] if times else 1.0
        write_graph(model, draft, precision, batch, batches, scale)
        artifact.embed_in_litert(draft, metadata)
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
            milliseconds=times,
            **compare(model, run, x, y, real=samples is not None),
        )
        require_one_partition(report)
        require_parity(report, least_agreement)
        artifact.write_metadata(Path(f"{draft}.json"), metadata, report)
    return report


def require_one_partition(report: ExportReport) -> None:
    """Raises ExportError unless the XNNPACK delegate runs the complete graph."""
    foreign = [name for name in report.operators if name.startswith(("Flex", "CUSTOM"))]
    if foreign or report.partitions != 1:
        raise ExportError(
            "A LiteRT graph must be one XNNPACK partition without Flex or custom operators. "
            f"Received: partitions={report.partitions}, foreign operators={foreign}, "
            f"path={report.path!r}"
        )
