"""Export to LiteRT (.tflite), the format for phones and single-board computers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import keras

from cctzoo.arguments import checked_arguments
from cctzoo.export import artifact
from cctzoo.export.calibration import calibration_batches
from cctzoo.export.convert import in_float32
from cctzoo.export.group_sizes import candidates, time_candidates, write_graph
from cctzoo.export.quantization import check_quantizer, require_integers
from cctzoo.export.report import (
    ExportError,
    ExportReport,
    check_samples,
    compare,
    require_parity,
)
from cctzoo.formats.atomic import atomic_file
from cctzoo.layers import MultiHeadSelfAttention
from cctzoo.messages import received, shown
from cctzoo.runtimes import LiteRTRunner
from cctzoo.typing import PathLike

Precision = Literal["float32", "float16", "dynamic_int8", "int8", "full_int8"]
PRECISIONS = get_args(Precision)
CALIBRATED = ("int8", "full_int8")  # precisions with static ranges of activations


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
    least_agreement: float | None = None,
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
            LayerNorm, softmax, attention and residual additions stay in float); or `"full_int8"`
            (every operator, the input and the output in integers; only for image models with
            softmax attention), for accelerators without floats. Its input is the pixels minus
            128, and XNNPACK runs it in several partitions. For text models, both int8 forms store
            the word vectors as int8 with one scale; `"float16"` leaves them in float32, so the
            file is hardly smaller.
        batch: images or texts per run.
        samples: n images (n, height, width, channels), `data.EncodedImages`, or paths of image
            files if the model has a view; or n texts: ids (n, length), or str if the model has a
            vocabulary. n must be a multiple of `batch`. Default: 16 random inputs, without top-1
            agreement.
        labels: the classes of the samples, integers (n,), for the accuracy.
        calibration: for `"int8"` and `"full_int8"`, more such samples, or a `data.Dataset`, whose
            training part is used; at most 500 samples are used.
        class_names: one name for each class.
        least_agreement: share of the samples for which a precision other than float32 must
            predict the same class as Keras. Below 1, one sample of at least 10 may differ. For
            a model without a classifier: the least mean cosine similarity of the features.
            Default: 0.98, and 0.96 for `"full_int8"`.
        tune: whether to choose the number of heads that the graph computes at a time by
            exporting up to six candidates and timing them: True times on one thread of this
            machine; a function times elsewhere, e.g. on a phone: it gets the path of a
            candidate and returns milliseconds. The report has the times. Without narrow heads
            there is one candidate, which is not timed.

    Raises:
        ValueError: if an argument is invalid, `"int8"` or `"full_int8"` has no calibration,
            the model has no integer form, or `tune` returns no positive number.
        PermissionError: if the folder is not writable.
        ExportError: if the conversion fails, the graph contains a Flex or custom operator,
            has more than one partition or, in `"full_int8"`, an operator that computes with floats,
            a float32 output differs from Keras' by more than 1e-4 (times the largest output, if
            that is above 1), or the agreement is below `least_agreement`.
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
    batches = None
    if precision in CALIBRATED:
        if precision == "full_int8":
            _check_integer_forms(model)
        batches = calibration_batches(model, calibration, batch, precision)
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
        if precision == "full_int8":
            require_integers(draft)
        else:
            require_one_partition(report)
        require_parity(report, least_agreement)
        artifact.write_metadata(Path(f"{draft}.json"), metadata, report)
    return report


def _check_integer_forms(model):
    """Raises ValueError for models with operators that have no integer form."""
    if model.config.kind == "texts":
        raise ValueError(
            "`full_int8` needs an image model: LiteRT makes the mask of a text with a float "
            f'operator. Use "int8". {received(precision="full_int8", model=model.name)}'
        )
    layers = [x for x in model._flatten_layers() if isinstance(x, MultiHeadSelfAttention)]
    if any(layer.attention == "polynomial" for layer in layers):
        raise ValueError(
            "`full_int8` needs softmax attention. LiteRT has no square root of integers and no "
            "division of 16-bit integers, and with inverse square roots of 16 bits, polynomial "
            'attention lost half of its accuracy. Use "int8". '
            f"{received(precision='full_int8', attention='polynomial')}"
        )


def require_one_partition(report: ExportReport) -> None:
    """Raises ExportError unless the XNNPACK delegate runs the complete graph."""
    foreign = [name for name in report.operators if name.startswith(("Flex", "CUSTOM"))]
    if foreign or report.partitions != 1:
        raise ExportError(
            "A LiteRT graph must be one XNNPACK partition without Flex or custom operators. "
            f"Received: partitions={report.partitions}, foreign operators={foreign}, "
            f"path={report.path!r}"
        )
