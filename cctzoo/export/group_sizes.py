"""The fastest group of heads for a processor: exports several candidates and times them."""

from collections.abc import Callable
from pathlib import Path

from cctzoo import latency
from cctzoo.export.convert import convert
from cctzoo.export.custom import Exportable
from cctzoo.export.quantization import quantise
from cctzoo.formats.atomic import temporary_folder
from cctzoo.layers import EncoderBlock
from cctzoo.layers.attention.grouped import scaled_groups
from cctzoo.messages import shown
from cctzoo.models import SoftCommittee
from cctzoo.typing import Array

SCALES = (1.0, 0.25, 0.5, 2.0, 4.0, 8.0)  # of the default group
RUNS = 100  # timed runs of each candidate

Timer = Callable[[Path], float]


def heads_per_group(model: Exportable, scale: float = 1.0) -> str:
    """Number of heads that the exported graph computes at a time; "2,8" if blocks differ."""
    members = model.members if isinstance(model, SoftCommittee) else [model]
    with scaled_groups(scale):
        sizes = [
            layer.attention.group_size(layer.input.shape[1])
            for member in members
            for layer in member.layers
            if isinstance(layer, EncoderBlock)
        ]
    return ",".join(map(str, dict.fromkeys(sizes)))


def candidates(model: Exportable) -> dict[str, float]:
    """`heads_per_group` -> its scale, for the graphs that differ; the default is the first."""
    found = {}
    for scale in SCALES:
        found.setdefault(heads_per_group(model, scale), scale)
    return found


def time_candidates(
    model: Exportable,
    precision: str,
    batch: int,
    batches: list[Array] | None,
    timer: bool | Timer,
) -> dict[str, float]:
    """`heads_per_group` -> milliseconds of a batch, for each of `candidates`.

    Args:
        model, precision, batch, timer: `model`, ..., `tune` of `to_litert`.
        batches: for the calibration of the precisions that need it.
    """
    scales = candidates(model)
    if len(scales) == 1:
        return {}
    with temporary_folder() as folder:
        paths = {name: folder / f"{scale}.tflite" for name, scale in scales.items()}
        for name, path in paths.items():
            write_graph(model, path, precision, batch, batches, scales[name])
        if callable(timer):
            return {name: _checked(timer(path)) for name, path in paths.items()}
        return {row.name: row.median_ms for row in latency.measure(paths, runs=RUNS).rows}


def write_graph(
    model: Exportable,
    path: Path,
    precision: str,
    batch: int,
    batches: list[Array] | None,
    scale: float = 1.0,
) -> None:
    """Writes a `.tflite` file without metadata, which is not compared with the model."""
    if precision == "float32":
        convert(model, path, "litert", batch, scale)
        return
    float32 = path.with_name(f"{path.stem}-float32.tflite")
    convert(model, float32, "litert", batch, scale)
    config = model.config
    pixels = config.kind == "images" and config.include_preprocessing
    quantise(float32, path, precision, batches, (0, 255) if pixels else None)
    float32.unlink()


def _checked(milliseconds):
    if not isinstance(milliseconds, int | float) or not 0 < milliseconds < float("inf"):
        raise ValueError(
            "The function `tune` must return a positive number of milliseconds. "
            f"Received: {shown(milliseconds)}"
        )
    return float(milliseconds)
