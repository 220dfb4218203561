"""Other precisions of a LiteRT graph, by ai-edge-quantizer."""

import contextlib
import importlib.util
import io
import warnings
from pathlib import Path

import numpy as np

from cctzoo.data import Dataset, EncodedImages

CALIBRATION_IMAGES = 500  # agreement with 200, 500 and 1,000 was within 0.4 points
# The dense products of the encoder. Under static int8 the scores of sequence pooling cost 2
# points of top-1 agreement and the convolutions 1 (CIFAR-10, cct_conv), without being faster:
# those quantise their inputs on the fly. LayerNorm, softmax, attention and residuals are float.
STATIC = r"(^|[/;])block\d\d"


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
        calibration: images of the graph's batch, an iterable, for `"int8"`.
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
            ((signature, ends),) = _signatures(source).items()
            (name,) = ends["inputs"]
            ranges = work.calibrate({signature: [{name: batch} for batch in calibration]})
        work.quantize(ranges, serialize_to_path=str(target), enable_progress_report=False)


def _signatures(path):
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(str(path)).get_signature_list()


@contextlib.contextmanager
def _quiet():
    """Without the quantizer's progress bars and its warning that it keeps all tensors."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore", UserWarning)
        yield


def calibration_batches(model, calibration, batch):
    """Real images for the ranges of activations, a list of float32 arrays of the batch.

    Args:
        model: the `CCT` or `SoftCommittee`.
        calibration: an array of images as the model takes them, a `data.Dataset`, or a run
            directory of `training.train`; of the last two the training images are used. At
            most 500 of them, drawn with a fixed seed.
        batch: images in each array.

    Raises:
        ValueError: without images, or for images of another shape or range.
    """
    if calibration is None:
        raise ValueError(
            '`precision="int8"` needs `calibration`: an array of real images, a data set or a '
            "run directory. Noise has other activations and would spoil it. "
            "Received: calibration=None"
        )
    if isinstance(calibration, str | Path):
        calibration = _run_data(Path(calibration))
    if isinstance(calibration, Dataset):
        calibration = calibration.x_train
    if isinstance(calibration, EncodedImages):
        some = np.random.default_rng(0).permutation(len(calibration))[:CALIBRATION_IMAGES]
        calibration = calibration.batch(some)
    images = np.asarray(calibration)
    shape = tuple(model.input_shape[1:])
    if images.ndim != 4 or images.shape[1:] != shape or len(images) < batch:
        raise ValueError(
            f"`calibration` must be images of shape (n, {', '.join(map(str, shape))}), n at "
            f"least the batch, {batch}. Received: shape={images.shape}"
        )
    images = images.astype("float32")
    if not np.isfinite(images).all():
        raise ValueError("`calibration` must be finite. Received: NaN or infinite values")
    if model.config.include_preprocessing and images.max() <= 1:
        raise ValueError(
            "`calibration` must hold values 0-255, as the model takes them. "
            f"Received: values from {images.min():.3g} to {images.max():.3g}"
        )
    order = np.random.default_rng(0).permutation(len(images))[:CALIBRATION_IMAGES]
    order = order[: len(order) // batch * batch]
    return list(images[order].reshape(-1, batch, *shape))


def _run_data(directory):
    from cctzoo.training import Recipe  # here: a recipe is needed for a run directory only

    if not (directory / "recipe.json").is_file():
        raise ValueError(
            f"A run directory must hold recipe.json. Received: calibration={str(directory)!r}"
        )
    return Recipe.load(directory / "recipe.json").load_data()
