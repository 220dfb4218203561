"""Other precisions of a LiteRT graph, by ai-edge-quantizer."""

import re
from pathlib import Path

import numpy as np

from cctzoo.export.calibration import activation_ranges, silenced
from cctzoo.export.report import ExportError
from cctzoo.optional_packages import require
from cctzoo.runtimes import LiteRTRunner
from cctzoo.typing import Array

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
    source: Path,
    target: Path,
    precision: str,
    calibration: list[Array] | None = None,
    input_range: tuple[float, float] | None = None,
) -> None:
    """Writes the float32 `.tflite` at `source` to `target` in another precision.

    Args:
        source, target: paths.
        precision: `"float16"`, `"dynamic_int8"`, `"int8"` or `"full_int8"`.
        calibration: for `"int8"` and `"full_int8"`, arrays of samples with the graph's batch size.
        input_range: of the graph's input, for `"full_int8"`. Default: that of the samples.

    Raises:
        ExportError: if the graph does not have the operators that a precision treats specially.
    """
    from ai_edge_litert.tools import flatbuffer_utils
    from ai_edge_quantizer import quantizer, recipe

    work = quantizer.Quantizer(str(source))
    graph = LiteRTRunner(source)
    with silenced():
        if precision == "float16":
            _halve(work)
        elif precision == "full_int8":
            work.load_quantization_recipe(recipe.static_wi8_ai8())
        else:
            calibration = _use_int8_weights(work, graph, precision, calibration)
        ranges = None
        if calibration:
            chosen = work.get_quantization_recipe()
            ranges = activation_ranges(source, chosen, calibration, input_range)
        result = work.quantize(ranges, enable_progress_report=False)
    # The quantizer puts the weights behind the flatbuffer, where TensorFlow Lite Micro, older
    # interpreters and compilers for accelerators do not find them.
    graph = flatbuffer_utils.read_model_from_bytearray(bytearray(result.quantized_model))
    flatbuffer_utils.write_model(graph, str(target))


def _halve(work):
    """16-bit weights, which the graph converts to float32 before it uses them."""
    from ai_edge_quantizer import qtyping

    half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    work.update_quantization_recipe(
        ".*",
        qtyping.TFLOperationName.ALL_SUPPORTED,
        qtyping.OpQuantizationConfig(
            weight_tensor_config=half,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        "float_casting",
    )


def _use_int8_weights(work, graph, precision, calibration):
    """`"dynamic_int8"` and `"int8"`. Returns the samples for the calibration, or None."""
    from ai_edge_quantizer import qtyping, recipe

    operation = qtyping.TFLOperationName
    work.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    # XNNPACK has no depthwise convolution of int8 weights and float inputs.
    work.update_quantization_recipe(".*", operation.DEPTHWISE_CONV_2D, algorithm_key="no_quantize")
    if precision == "int8":
        check_operator(graph, operation.FULLY_CONNECTED, ENCODER)
        work.add_static_config(
            ENCODER, operation.FULLY_CONNECTED, activation_num_bits=8, weight_num_bits=8
        )
    if graph.dtype.kind == "i":
        # The quantizer has only a static form of this operator, with one scale for all words. The
        # scale depends on the table only, not on the ids of the calibration.
        check_operator(graph, operation.GATHER, WORD_VECTORS)
        work.add_static_config(
            WORD_VECTORS, operation.GATHER, activation_num_bits=8, weight_num_bits=8
        )
        return calibration or [np.zeros((graph.batch, *graph.sample_shape), graph.dtype)]
    return calibration


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


def require_integers(path: Path) -> None:
    """Raises ExportError if an operator of a `.tflite` computes with floats."""
    floats = LiteRTRunner(path, delegate=False).float_operators()
    if floats:
        raise ExportError(
            "In full_int8, every operator must have an integer form, and these have none: "
            f"{', '.join(floats)}. Received: path={str(path)!r}"
        )
