"""Samples for the ranges of activations, and the ranges, for static quantisation."""

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.data import Dataset, EncodedImages
from cctzoo.export.custom import Exportable
from cctzoo.export.inputs import as_inputs, is_paths
from cctzoo.models.pixel_values import wrong_range
from cctzoo.runtimes import LiteRTRunner
from cctzoo.typing import Array, PathLike

CALIBRATION_SAMPLES = 500  # agreement with 200, 500 and 1,000 was within 0.4 points
# Of the extremes of the batches: an activation beyond it is clipped. Classes as Keras in full_int8
# with 0.5, 0.9, 0.99 and 1: 84, 96, 98 and 97 % (64 heads), 96, 98, 98 and 97 % (cct_2_3x2_32;
# 800 test images of CIFAR-10, 200 for the ranges, one run each; the script is not kept).
QUANTILE = 0.99

Ranges = dict[str, dict[str, Array]]


def calibration_batches(
    model: Exportable, calibration: Any, batch: int, precision: str = "int8"
) -> list[Array]:
    """Returns samples for the ranges of activations, as arrays of `batch` samples.

    Args:
        model: the model to export.
        calibration: as `samples` in `as_inputs`, or a `data.Dataset`, whose training part is
            used. At most 500 samples are drawn, with a fixed seed.
        batch: samples in each array.
        precision: for the error.

    Raises:
        ValueError: if there are no samples, or their shape or range is wrong.
    """
    if calibration is None or isinstance(calibration, str | os.PathLike):
        raise ValueError(
            f'`precision="{precision}"` needs `calibration`: images, texts or a data set. Random '
            f"inputs would give activations of other ranges. Received: calibration={calibration!r}"
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


def activation_ranges(
    source: PathLike,
    recipe: list[dict[str, Any]],
    batches: list[Array],
    input_range: tuple[float, float] | None = None,
) -> Ranges:
    """The range of each tensor of a graph, over batches of samples.

    The quantizer's own `calibrate` has a moving average of the extremes, which clips half of the
    samples.

    Args:
        source: path of the float32 `.tflite`.
        recipe: of the quantizer, `get_quantization_recipe`.
        batches: as `calibration_batches` returns them.
        input_range: of the graph's input, if it is known.
    """
    from ai_edge_quantizer import calibrator, recipe_manager

    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(recipe)
    graph = LiteRTRunner(source)
    signature, name = graph.signature()
    content = Path(source).read_bytes()
    with silenced():
        work = calibrator.Calibrator(content, num_threads=1, qsv_update_func=_collect)
        work.calibrate({signature: [{name: batch} for batch in batches]}, manager)
    ranges = {
        tensor: {
            "min": np.quantile(_stacked(extremes["min"]), 1 - QUANTILE, axis=0),
            "max": np.quantile(_stacked(extremes["max"]), QUANTILE, axis=0),
        }
        for tensor, extremes in work.get_model_qsvs().items()
        if extremes
    }
    if input_range and graph.input["name"] in ranges:
        low, high = np.float32(input_range)
        ranges[graph.input["name"]] = {"min": np.reshape(low, 1), "max": np.reshape(high, 1)}
    return ranges


def _collect(found, new):
    """Extremes of the batches so far, with those of one more batch."""
    return {
        end: [*(found[end] if isinstance(found[end], list) else [found[end]]), new[end]]
        for end in ("min", "max")
    }


def _stacked(extremes):
    return np.stack(extremes if isinstance(extremes, list) else [extremes]).astype("float32")


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Silences the quantizer's progress bars and its warning that it keeps all tensors."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore", UserWarning)
        yield
