"""A model with a gate on every head, the basis of masking, ablation and importance.

A model with a gate on every attention score is the basis of class relevance.
"""

from collections.abc import Callable

import keras
from keras import ops

from cctzoo.analysis.batches import predict_batch
from cctzoo.analysis.checks import check_classifier, encoder_blocks
from cctzoo.arguments import checked_arguments
from cctzoo.layers import EncoderBlock
from cctzoo.models import CCT
from cctzoo.models.positions import is_position, positions_of
from cctzoo.typing import Array, Tensor


@checked_arguments
def gated_model(model: CCT, start: int | None = None, per_token: bool = False) -> keras.Model:
    """Adds a factor on the output of each head as further inputs of the model.

    The new model shares the weights of `model`.

    Args:
        model: a `CCT` that ends with softmax or with logits.
        start: number of the encoder block at which the gated model starts. Its first inputs
            are then what `block_input` returns, instead of images or token ids. None: the
            gated model starts at the inputs of `model`.
        per_token: whether a head has one gate per token, or a single gate.

    Returns:
        A `keras.Model` from [images or token ids, gates of each encoder block from `start`
        on] to logits. Gates are (B, T, N), or (B, 1, N) without `per_token`. A gate of 1
        leaves the head unchanged, a gate of 0 silences it.

    Raises:
        ValueError: if the model has no such encoder block, or does not end with softmax or
            with logits.
    """
    first, *_ = encoder_blocks(model, start)
    check_classifier(model)
    inputs, entry = model.inputs, _entry(model, first)
    if start is not None:
        inputs = entry = [keras.Input(each.shape[1:], dtype=each.dtype) for each in entry]
    tokens = model.config.tokens if per_token else 1

    def shape(attention):
        return tokens, attention.num_heads

    return _with_gates(model, first, inputs, entry, "head_gates", shape)


def score_gated_model(model: CCT) -> keras.Model:
    """Adds a factor on every attention score as further inputs of the model.

    The gradient in a factor of 1 is the score times the gradient in the score.

    Args:
        model: a `CCT` that ends with softmax or with logits. The new model shares its weights.

    Returns:
        A `keras.Model` from [images or token ids, gates (B, N, T, T) of each encoder block] to
        logits.

    Raises:
        ValueError: if the model has no encoder block, or does not end with softmax or with logits.
    """
    first, *_ = encoder_blocks(model)
    check_classifier(model)
    tokens = model.config.tokens

    def shape(attention):
        return attention.num_heads, tokens, tokens

    return _with_gates(model, first, model.inputs, _entry(model, first), "score_gates", shape)


def _with_gates(model, first, inputs, entry, argument, shape):
    """Continues the graph of `entry` from a block to the logits, with inputs for its gates.

    Args:
        argument: the call argument of `EncoderBlock` that takes the gates.
        shape: returns the shape of the gates without the batch, for a layer of attention.
    """
    x, *mask = entry  # (B, T, D); text models also have a mask (B, T)
    positions = positions_of(model, x)
    names, gates = [layer.name for layer in model.layers], []
    for layer in model.layers[names.index(f"block{first:02d}") :]:
        if isinstance(layer, EncoderBlock):
            number = layer.name.removeprefix("block")
            gates.append(keras.Input(shape(layer.attention), name=f"gates{number}"))
            own = {"position": positions[int(number)]} if positions else {}
            x = _GatedBlock(layer, argument)(x, gates[-1], *mask, **own)
        elif is_position(layer.name, model.config):
            continue
        elif layer.name == "classifier":
            x = _Logits(layer)(x)
        elif isinstance(layer.input, list):  # a layer that was built with [x, mask]
            x = layer(x, *mask)
        else:
            x = layer(x)
    return keras.Model([*inputs, *gates], x, name=f"{model.name}_gated")


def block_input(model: CCT, block: int) -> Callable[[Array], list[Array]]:
    """Returns a function from a batch to the inputs of an encoder block.

    The inputs are [tokens (B, T, D)], and [tokens, mask (B, T)] for text models.
    """
    before = keras.Model(model.inputs[0], _entry(model, block))

    def compute(batch):
        found = predict_batch(before, batch)
        return found if isinstance(found, list) else [found]  # Keras unwraps a list of one

    return compute


def _entry(model, block):
    entry = model.get_layer(f"block{block:02d}").input
    entry = entry if isinstance(entry, list) else [entry]
    return [each for each in entry if each.shape[0] is None]  # without positions (1, T, D)


class _GatedBlock(keras.layers.Layer):
    """An encoder block with its gates as a second input."""

    def __init__(self, layer, argument):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer
        self.argument = argument
        self.supports_masking = True

    def call(
        self, x: Tensor, gates: Tensor, mask: Tensor = None, position: Tensor = None
    ) -> Tensor:
        return self.layer(x, mask=mask, position=position, **{self.argument: gates})


class _Logits(keras.layers.Layer):
    """The classifier without its activation."""

    def __init__(self, layer):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer

    def call(self, x: Tensor) -> Tensor:
        return ops.matmul(x, self.layer.kernel) + self.layer.bias
