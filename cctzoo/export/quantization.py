"""Other precisions of a LiteRT graph, by ai-edge-quantizer."""

import contextlib
import importlib.util
import io
import warnings
from pathlib import Path

import numpy as np

from cctzoo.data import Dataset, EncodedImages, take
from cctzoo.export.inputs import as_inputs, takes_texts

CALIBRATION_SAMPLES = 500  # agreement with 200, 500 and 1,000 was within 0.4 points
# The dense products of the encoder. Under static int8 the scores of sequence pooling cost 2
# points of top-1 agreement and the convolutions 1 (CIFAR-10, cct_conv), without being faster:
# those quantise their inputs on the fly. LayerNorm, softmax, attention and residuals are float.
STATIC = r"(^|[/;])block\d\d"
WORDS = r"(^|[/;])words"  # the table of word vectors, most of a text model's weights


def check_quantizer():
    """Raises ModuleNotFoundError without ai-edge-quantizer."""
    if importlib.util.find_spec("ai_edge_quantizer") is None:
        raise ModuleNotFoundError(
            "Precisions other than float32 need ai-edge-quantizer: pip install 'cctzoo[export]'"
        )


def quantise(source, target, precision, calibration=None):
    """Writes the float32 `.tflite` at `source` to `target` in another precision.

    Args:
        source, target: paths.
        precision: `"float16"`, `"dynamic_int8"` or `"int8"`.
        calibration: a list of samples of the graph's batch, for `"int8"`.
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
    ranges = None
    with _quiet():
        if precision == "int8":
            work.add_static_config(
                STATIC, operation.FULLY_CONNECTED, activation_num_bits=8, weight_num_bits=8
            )
        signature, name, zeros = _input(source)
        texts = zeros.dtype.kind == "i"
        if texts and precision != "float16":
            # The quantizer has only a static form of this operator, with one scale for all
            # words. It is the table's own: what ids it is calibrated with, does not matter.
            work.add_static_config(
                WORDS, operation.GATHER, activation_num_bits=8, weight_num_bits=8
            )
            calibration = calibration or [zeros]
        if calibration:
            ranges = work.calibrate({signature: [{name: batch} for batch in calibration]})
        work.quantize(ranges, serialize_to_path=str(target), enable_progress_report=False)


def _input(path):
    """(the graph's signature, the name of its input there, zeros of its shape)."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    ((signature, ends),) = interpreter.get_signature_list().items()
    (name,) = ends["inputs"]
    (about,) = interpreter.get_input_details()
    return signature, name, np.zeros(about["shape"], about["dtype"])


@contextlib.contextmanager
def _quiet():
    """Without the quantizer's progress bars and its warning that it keeps all tensors."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore", UserWarning)
        yield


def calibration_batches(model, calibration, batch):
    """Real images or texts for the ranges of activations, a list of arrays of the batch.

    Args:
        model: the `CCT` or `SoftCommittee`.
        calibration: an array of images or ids as the model takes them, texts if it knows its
            words, a `data.Dataset`, or a run directory of
            `training.train`; of the last three the training part is used. At most 500
            samples, drawn with a fixed seed.
        batch: samples in each array.

    Raises:
        ValueError: without samples, or for samples of another shape or range.
    """
    if calibration is None:
        raise ValueError(
            '`precision="int8"` needs `calibration`: real images or texts, a data set or a run '
            "directory. Noise has other activations and would spoil it. "
            "Received: calibration=None"
        )
    if isinstance(calibration, str | Path):
        calibration = _run_data(Path(calibration))
    if isinstance(calibration, Dataset):
        calibration = calibration.x_train
    if isinstance(calibration, EncodedImages):
        some = np.random.default_rng(0).permutation(len(calibration))[:CALIBRATION_SAMPLES]
        calibration = take(calibration, some)
    samples = as_inputs(model, calibration, "calibration")
    shape = tuple(model.input_shape[1:])
    if samples.shape[1:] != shape or len(samples) < batch:
        raise ValueError(
            f"`calibration` must be of shape (n, {', '.join(map(str, shape))}), n at least the "
            f"batch, {batch}. Received: shape={samples.shape}"
        )
    if not np.isfinite(samples).all():
        raise ValueError("`calibration` must be finite. Received: NaN or infinite values")
    if not takes_texts(model) and model.config.include_preprocessing and samples.max() <= 1:
        raise ValueError(
            "`calibration` must hold values 0-255, as the model takes them. "
            f"Received: values from {samples.min():.3g} to {samples.max():.3g}"
        )
    order = np.random.default_rng(0).permutation(len(samples))[:CALIBRATION_SAMPLES]
    order = order[: len(order) // batch * batch]
    return list(samples[order].reshape(-1, batch, *shape))


def _run_data(directory):
    from cctzoo.training import Recipe  # here: a recipe is needed for a run directory only

    if not (directory / "recipe.json").is_file():
        raise ValueError(
            f"A run directory must hold recipe.json. Received: calibration={str(directory)!r}"
        )
    return Recipe.load(directory / "recipe.json").load_data()
