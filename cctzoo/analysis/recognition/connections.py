"""Connections between units that share a label: masks, and training that keeps them."""

import keras
import numpy as np
from keras import ops

from cctzoo.analysis.labelled import encoder_blocks


def connection_masks(model, attention, stream, mlp):
    """Which weights join units that recognise a common label.

    AFCC, "applied filter's cluster connections", and ANDC, "applied nodal diagonal
    connection", keep a connection between units of consecutive layers only where both have
    a label in common: of their clusters, or on the diagonals of their Boolean matrices. By
    the greedy rule the clusters hold exactly the diagonal labels, so that here the two are
    one. ANDC's exact rule is not public.

    Masked are the weights that lead from measured units to measured units: in every block
    the projection (attention nodes, or heads with all their channels, to stream nodes) and
    the perceptron's second product (hidden nodes to stream nodes); and the classifier, where
    unit i keeps its weight to output j if j is in a cluster of i. What leads out of the
    stream into a block stays whole, for the stream is normalised in between: our choice.

    Args:
        model: a `CCT`.
        attention: `Performance` of heads or of attention nodes.
        stream: of stream nodes.
        mlp: of MLP nodes; each of all the model's encoder blocks.

    Returns:
        A dict from the path of a kernel to a Boolean array of its shape.

    Raises:
        ValueError: for performances of other units or blocks.
    """
    blocks = encoder_blocks(model)
    rules = {"attention": (attention, ("head", "attention_node"))}
    rules |= {"stream": (stream, ("stream_node",)), "mlp": (mlp, ("mlp_node",))}
    for name, (performance, units) in rules.items():
        known = [block.block for block in performance.blocks]
        if performance.unit not in units or known != blocks:
            raise ValueError(
                f"`{name}` must be the performance of {' or '.join(units)} of blocks {blocks}. "
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


def mask_connections(model, masks):
    """Sets weights to 0 where a mask is False, and keeps them there in training.

    The masks stay on this model object as constraints, which every optimiser of Keras obeys
    after each step. They are not part of a saved file: call this again after loading.

    Args:
        model: whose kernels the masks are for.
        masks: dict from path to Boolean array, as of `connection_masks`.

    Raises:
        ValueError: for paths or shapes that the model does not have.
    """
    variables = {variable.path: variable for variable in model.trainable_variables}
    for path, mask in masks.items():
        shape = tuple(variables[path].shape) if path in variables else None
        if shape != mask.shape:
            raise ValueError(
                "A mask must be for a trainable kernel of the model, of its shape. "
                f"Received: {path!r}, {mask.shape}, for {shape}"
            )
    for path, mask in masks.items():
        variable = variables[path]
        variable.constraint = KeepMasked(mask)
        variable.assign(variable.constraint(variable))


class KeepMasked(keras.constraints.Constraint):
    """Multiplies a weight by a mask of zeros and ones."""

    def __init__(self, mask):
        self.mask = np.asarray(mask, "float32")

    def __call__(self, w):
        return w * ops.cast(self.mask, w.dtype)


def _shared(units, outputs):
    """(U, C) and (C, D) Boolean -> (U, D): whether there is a common label."""
    return units.astype(int) @ outputs.astype(int) > 0
