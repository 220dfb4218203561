"""Connections between units that share a label: their masks, and training with the masks."""

import keras
import numpy as np
from keras import ops

from cctzoo.analysis.checks import encoder_blocks
from cctzoo.analysis.recognition.results import Performance
from cctzoo.arguments import checked_arguments
from cctzoo.models import CCT
from cctzoo.typing import Array, Tensor


@checked_arguments
def connection_masks(
    model: CCT, attention: Performance, stream: Performance, mlp: Performance
) -> dict[str, Array]:
    """Finds the weights that connect units which recognise a common label.

    AFCC ("applied filter's cluster connections") and ANDC ("applied nodal diagonal
    connection") keep a connection between units of consecutive layers only if both units have
    a label in common, in their clusters (AFCC) or on the diagonals of their Boolean matrices
    (ANDC). The greedy clusters hold exactly the labels of the diagonal, so that the two rules
    give the same masks here. The exact rule of ANDC is not public.

    The masks cover the weights from measured units to measured units: in every block the
    projection (from attention nodes, or heads with all their channels, to stream nodes) and
    the second product of the MLP (from hidden nodes to stream nodes); and the classifier,
    where unit i keeps its weight to output j if j is in a cluster of i. Weights from the
    stream into a block are not masked, because the stream is normalised in between. This is
    our choice.

    Args:
        model: a `CCT`.
        attention: performance of the heads or of the attention nodes in all encoder blocks.
        stream: performance of the stream nodes in all encoder blocks.
        mlp: performance of the MLP nodes in all encoder blocks.

    Returns:
        A dict from the path of a kernel to a Boolean array of the kernel's shape.

    Raises:
        ValueError: if a performance is of other units or blocks.
    """
    blocks = encoder_blocks(model)
    rules = {"attention": (attention, ("head", "attention_node"))}
    rules |= {"stream": (stream, ("stream_node",)), "mlp": (mlp, ("mlp_node",))}
    for name, (performance, units) in rules.items():
        known = [block.block for block in performance.blocks]
        if performance.unit not in units or known != blocks:
            raise ValueError(
                f"`{name}` must be the performance of {' or '.join(units)} in blocks {blocks}. "
                f"Received: unit={performance.unit!r}, blocks={known}"
            )
    masks = {}
    for block in blocks:
        layer = model.get_layer(f"block{block:02d}")
        nodes = attention[block].recognised  # (N, C) or (N*H, C)
        if attention.unit == "head":
            nodes = nodes.repeat(layer.attention.head_dim, axis=0)  # (N*H, C)
        out = stream[block].recognised.T  # (C, D)
        masks[layer.attention.projection.kernel.path] = _shared(nodes, out)
        masks[layer.contract.kernel.path] = _shared(mlp[block].recognised, out)
    if model.config.include_top:
        masks[model.get_layer("classifier").kernel.path] = stream[blocks[-1]].recognised
    return masks


@checked_arguments
def mask_connections(model: keras.Model, masks: dict[str, Array]) -> None:
    """Sets weights to 0 where a mask is False, and keeps them at 0 in training.

    The masks become constraints of the variables of this model object, which every Keras
    optimiser applies after each step. Saved files do not hold them: call this function again
    after loading.

    Args:
        model: the model with the kernels; it is changed in place.
        masks: dict from path to Boolean array, as returned by `connection_masks`.

    Raises:
        ValueError: if the model has no trainable variable of such a path and shape.
    """
    variables = {variable.path: variable for variable in model.trainable_variables}
    for path, mask in masks.items():
        shape = tuple(variables[path].shape) if path in variables else None
        if shape != mask.shape:
            raise ValueError(
                "A mask must have the path and the shape of a trainable kernel of the model. "
                f"Received: mask {path!r} of shape {mask.shape}, for a kernel of shape {shape}"
            )
    for path, mask in masks.items():
        variable = variables[path]
        variable.constraint = KeepMasked(mask)
        variable.assign(variable.constraint(variable))


class KeepMasked(keras.constraints.Constraint):
    """Multiplies a weight by a mask of zeros and ones."""

    def __init__(self, mask: Array):
        self.mask = np.asarray(mask, "float32")

    def __call__(self, w: Tensor) -> Tensor:
        return w * ops.cast(self.mask, w.dtype)


def _shared(units, outputs):
    """Returns whether units (U, C) and outputs (C, D) have a common label, (U, D) Boolean."""
    return units.astype(int) @ outputs.astype(int) > 0
