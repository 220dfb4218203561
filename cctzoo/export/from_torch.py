"""Conversion to ONNX and OpenVINO by PyTorch, without TensorFlow."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import keras
from keras import ops

from cctzoo.formats.atomic import temporary_folder
from cctzoo.layers.attention.grouped import scaled_groups
from cctzoo.runtimes import import_openvino
from cctzoo.typing import PathLike

# PyTorch takes 74 s to convert `cct_lsmha` with the default groups of heads, 16 s with groups of
# four times the size, and ONNX Runtime takes 62 and 66 ms for an image (84 ms without groups).
GROUP_SCALE = 4.0
EXAMPLE_BATCH = 2  # of a dynamic batch: PyTorch takes a size of 1 for a constant


def convert_from_torch(model: keras.Model, path: PathLike, kind: str, batch: int | None) -> None:
    """Writes `model`, under the PyTorch backend of Keras.

    Keras' own `model.export` has PyTorch write a dynamic batch by its deprecated exporter, and
    changes to that exporter without a word if the current one fails.

    Args:
        model: a model in float32 with one input and one output.
        path: path of the file.
        kind: `"onnx"` or `"openvino"`.
        batch: static batch size of the graph; None for a dynamic one.

    Raises:
        torch.onnx.OnnxExporterError: if PyTorch cannot convert the model.
    """
    if kind == "onnx":
        _write_onnx(model, path, batch)
        return
    openvino = import_openvino()
    with temporary_folder() as folder:
        # Not from PyTorch's graph, which OpenVINO's own converter does not read for these models.
        graph = folder / "model.onnx"
        _write_onnx(model, graph, batch)
        openvino.save_model(openvino.convert_model(graph), path, compress_to_fp16=False)


def _write_onnx(model, path, batch):
    import torch
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass  # comes with onnxscript

    class Inference(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, inputs):
            return self.model(inputs, training=False)

    (inputs,) = model.inputs  # `image` float32, or `ids` int32
    example = ops.zeros((batch or EXAMPLE_BATCH, *inputs.shape[1:]), inputs.dtype)
    dynamic = None if batch else ({0: torch.export.Dim("batch")},)
    with _quiet(), torch.no_grad(), scaled_groups(GROUP_SCALE):
        program = torch.onnx.export(
            Inference(),
            (example,),
            dynamo=True,
            input_names=[inputs.name],
            output_names=["output"],
            dynamic_shapes=dynamic,
            verbose=False,
        )
    # Of each operator, PyTorch stores the lines of source that made it, with paths on this machine.
    ClearMetadataAndDocStringPass()(program.model)
    program.save(Path(path))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leaves out the exporter's notices about its own libraries, e.g. a missing torchvision."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
