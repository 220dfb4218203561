"""Other precisions of a LiteRT graph, by ai-edge-quantizer."""

import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.data import Dataset, EncodedImages
from cctzoo.export.custom import Exportable
from cctzoo.export.inputs import as_inputs, is_paths
from cctzoo.export.report import ExportError
from cctzoo.models.pixel_values import wrong_range
from cctzoo.optional_packages import require
from cctzoo.runtimes import LiteRTRunner
from cctzoo.typing import Array

CALIBRATION_SAMPLES = 500  # agreement with 200, 500 and 1,000 was within 0.4 points
# Names of the outputs of operators, as the converter makes them from the names of layers.
# The dense layers of the encoder. Under static int8, the scores of sequence pooling cost 2
# points of top-1 agreement and the convolutions 1 (CIFAR-10, cct_conv), without being faster:
# they quantise their inputs at run time. LayerNorm, softmax, attention and residuals are float.
ENCODER = r"(^|[/;])block\d\d"
WORD_VECTORS = r"(^|[/;])words"  # the table of word vectors, most of a text model's weights


def check_quantizer() -> None:
    """Raises ModuleNotFoundError if ai-edge-quantizer is not installed."""
    require("ai_edge_quantizer", extra="export", purpose="A precision other than float32")


def quantise(
    source: Path, target: Path, precision: str, calibration: list[Array] | None = None
) -> None:
    """Writes the float32 `.tflite` at `source` to `target` in another precision.

    Args:
        source, target: paths.
        precision: `"float16"`, `"dynamic_int8"` or `"int8"`.
        calibration: for `"int8"`, arrays of samples with the graph's batch size.

    Raises:
        ExportError: if the graph does not have the operators that a precision treats specially.
    """
    from ai_edge_quantizer import qtyping, quantizer, recipe

    operation = qtyping.TFLOperationName
    work = quantizer.Quantizer(str(source))
    if precision == "float16":
        half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
        work.update_quantization_recipe(
            ".*",
            operation.ALL_SUPPORTED,
            qtyping.OpQuantizationConfig(
                weight_tensor_config=half,
                compute_precision=qtyping.ComputePrecision.FLOAT,
                explicit_dequantize=True,
            ),
            "float_casting",
        )
    else:
        work.load_quantization_recipe(recipe.dynamic_wi8_afp32())
        # XNNPACK has no depthwise convolution of int8 weights and float inputs.
        work.update_quantization_recipe(
            ".*", operation.DEPTHWISE_CONV_2D, algorithm_key="no_quantize"
        )
    graph = LiteRTRunner(source)
    ranges = None
    with _quiet():
        if precision == "int8":
            check_operator(graph, operation.FULLY_CONNECTED, ENCODER)
            work.add_static_config(
                ENCODER, operation.FULLY_CONNECTED, activation_num_bits=8, weight_num_bits=8
            )
        if graph.dtype.kind == "i" and precision != "float16":
            # The quantizer has only a static form of this operator, with one scale for all
            # words. The scale depends on the table only, not on the ids of the calibration.
            check_operator(graph, operation.GATHER, WORD_VECTORS)
            work.add_static_config(
                WORD_VECTORS, operation.GATHER, activation_num_bits=8, weight_num_bits=8
            )
            calibration = calibration or [np.zeros((graph.batch, *graph.sample_shape), graph.dtype)]
        if calibration:
            signature, name = graph.signature()
            ranges = work.calibrate({signature: [{name: batch} for batch in calibration]})
        work.quantize(ranges, serialize_to_path=str(target), enable_progress_report=False)
    target.chmod(source.stat().st_mode)  # the quantizer makes its file executable


def check_operator(graph: LiteRTRunner, kind: str, pattern: str) -> None:
    """Raises ExportError unless an operator of this kind has an output named like `pattern`.

    The quantizer ignores a pattern without a match, and would leave the operators in float.
    """
    names = [output["name"] for name, output in graph.operator_outputs() if name == kind]
    if not any(re.search(pattern, name) for name in names):
        raise ExportError(
            f"A graph must have an operator {kind} whose output's name matches {pattern!r}: the "
            f"converter's names may have changed. Received: outputs named {names}"
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences the quantizer's progress bars and its warning that it keeps all tensors."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore", UserWarning)
        yield


def calibration_batches(model: Exportable, calibration: Any, batch: int) -> list[Array]:
    """Returns samples for the ranges of activations, as arrays of `batch` samples.

    Args:
        model: the model to export.
        calibration: as `samples` in `as_inputs`, or a `data.Dataset`, whose training part is
            used. At most 500 samples are drawn, with a fixed seed.
        batch: samples in each array.

    Raises:
        ValueError: if there are no samples, or their shape or range is wrong.
    """
    if calibration is None or isinstance(calibration, str | os.PathLike):
        raise ValueError(
            '`precision="int8"` needs `calibration`: images, texts or a data set. Random inputs '
            f"would give activations of other ranges. Received: calibration={calibration!r}"
        )
    if isinstance(calibration, Dataset):
        calibration.check_kind(model.config)
        calibration = calibration.x_train
    if isinstance(calibration, EncodedImages) or is_paths(calibration):
        # Drawn here, before they are decoded.
        some = np.random.default_rng(0).permutation(len(calibration))[:CALIBRATION_SAMPLES]
        encoded = isinstance(calibration, EncodedImages)
        calibration = calibration[some] if encoded else [calibration[i] for i in some]
    samples = as_inputs(model, calibration, "calibration")
    shape = tuple(model.input_shape[1:])
    if samples.shape[1:] != shape or len(samples) < batch:
        raise ValueError(
            f"`calibration` must be of shape (n, {', '.join(map(str, shape))}), with n at least "
            f"the batch size, {batch}. Received: shape={samples.shape}"
        )
    if not np.isfinite(samples).all():
        raise ValueError("`calibration` must be finite. Received: NaN or infinite values")
    if model.config.kind == "images":
        message = wrong_range(model.config, samples)
        if not samples.any():
            message = "Received: black images only"
        if message:
            raise ValueError(f"`calibration` must hold the pixels that the model takes. {message}")
    order = np.random.default_rng(0).permutation(len(samples))[:CALIBRATION_SAMPLES]
    order = order[: len(order) // batch * batch]
    return list(samples[order].reshape(-1, batch, *shape))
