"""The operators of TensorFlow Lite Micro, and what to change for a model that needs others."""

from collections.abc import Iterable
from typing import Any

from cctzoo.export.report import ExportError
from cctzoo.messages import received

# Operators of TFLM in October 2026, by their names in a .tflite file. In the names of the methods
# of its `MicroMutableOpResolver`, these are capitalised ...
CAPITALISED = """
ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE BATCH_TO_SPACE_ND BROADCAST_ARGS BROADCAST_TO
CALL_ONCE CAST CEIL CONCATENATION COS DEPTH_TO_SPACE DEQUANTIZE DIV ELU EMBEDDING_LOOKUP EQUAL EXP
EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL
HARD_SWISH IF L2_NORMALIZATION LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR
LOGISTIC LOG_SOFTMAX MAXIMUM MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PRELU QUANTIZE
READ_VARIABLE REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR
REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT
SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF TANH TRANSPOSE
TRANSPOSE_CONV UNPACK VAR_HANDLE WHILE ZEROS_LIKE
"""
# ... and these are written in another way.
METHODS = {
    "AVERAGE_POOL_2D": "AveragePool2D",
    "BATCH_MATMUL": "BatchMatMul",
    "CONV_2D": "Conv2D",
    "CUMSUM": "CumSum",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D",
    "L2_POOL_2D": "L2Pool2D",
    "MAX_POOL_2D": "MaxPool2D",
    "PADV2": "PadV2",
}
METHODS |= {name: name.title().replace("_", "") for name in CAPITALISED.split()}
QUICK = (
    'Build the model with `activation="quick_gelu"` or "relu", and fine-tune it if its weights '
    "were trained with GELU."
)
REMEDIES = {
    "GELU": QUICK,
    "SELECT": "Text models need it to look up words: only image models can be exported.",
}


def check_model(model: Any) -> None:
    """Raises ValueError if the config of a model implies an operator that TFLM does not have.

    Args:
        model: an `Exportable`. The layers of a `CustomModel` are only known after conversion,
            when `check_operators` is called.
    """
    for config in getattr(model.config, "members", [model.config]):
        if config.kind == "texts":
            raise ValueError(
                f"TensorFlow Lite Micro does not have the operator SELECT. {REMEDIES['SELECT']} "
                f"{received(kind=config.kind)}"
            )
        if getattr(config, "activation", None) == "gelu":
            raise ValueError(
                f"TensorFlow Lite Micro does not have the operator GELU. {QUICK} "
                f"{received(activation=config.activation)}"
            )


def check_operators(operators: Iterable[str]) -> None:
    """Raises ExportError unless TFLM has all operators of a graph, given by their names."""
    absent = sorted(set(operators) - METHODS.keys())
    if absent:
        remedies = "".join(f" {REMEDIES[name]}" for name in absent if name in REMEDIES)
        raise ExportError(
            "A graph for microcontrollers must have the operators of TensorFlow Lite Micro alone."
            f"{remedies} Received: {', '.join(absent)}, which it does not have"
        )
