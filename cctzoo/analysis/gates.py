"""A model with a gate on every head: what masking, ablation and importance are made of."""

import keras
from keras import ops

from cctzoo.analysis.labelled import check_model, encoder_blocks
from cctzoo.layers import EncoderBlock


def gated_model(model, start=None, per_token=False):
    """The model with factors on its heads as further inputs. It shares the weights.

    Args:
        model: a `CCT` that ends on softmax or on logits.
        start: number of the encoder block whose input comes in place of the images; None:
            images.
        per_token: whether a head has a gate for each token, or one for all.

    Returns:
        A `keras.Model` from [images, gates of each encoder block from `start` on] to logits;
        gates are (B, T, N), or (B, 1, N) without `per_token`. 0 silences a head.

    Raises:
        ValueError: for a block that the model does not have, or a model that ends otherwise.
    """
    encoder_blocks(model, start)
    check_answers(model)
    layers = model.layers[1:]
    x = keras.Input(model.config.input_shape, name="image")
    if start is not None:
        names = [layer.name for layer in layers]
        layers = layers[names.index(f"block{start:02d}") :]
        x = keras.Input((model.config.tokens, model.config.embed_dim), name="stream")
    inputs = [x]
    for layer in layers:
        if isinstance(layer, EncoderBlock):
            tokens = model.config.tokens if per_token else 1
            shape = (tokens, layer.attention.num_heads)
            inputs.append(keras.Input(shape, name=f"gates{layer.name.removeprefix('block')}"))
            x = _GatedBlock(layer)(x, inputs[-1])
        elif layer.name == "classifier":
            x = _Logits(layer)(x)
        else:
            x = layer(x)
    return keras.Model(inputs, x, name=f"{model.name}_gated")


def stream_before(model, block):
    """A `keras.Model` from images to the input of an encoder block, (B, T, D)."""
    names = [layer.name for layer in model.layers]
    before = model.layers[names.index(f"block{block:02d}") - 1]
    return keras.Model(model.inputs[0], before.output)


def check_answers(model):
    """Raises ValueError unless the model gives the logits of classes that exclude each other."""
    check_model(model)
    config = model.config
    if not config.include_top or config.classifier_activation == "sigmoid":
        raise ValueError(
            "The model must end on softmax or on logits. Received: "
            f"include_top={config.include_top}, "
            f"classifier_activation={config.classifier_activation!r}"
        )
    check_not_quantised(model)


def check_not_quantised(model):
    """Raises ValueError for a model that `quantize` has changed."""
    if any(layer.quantization_mode for layer in model._flatten_layers()):
        raise ValueError(
            "The model must not be quantised: analyse and prune before that. "
            f"Received: {model.name!r}, quantised"
        )


class _GatedBlock(keras.layers.Layer):
    """An encoder block that takes its gates as a second tensor."""

    def __init__(self, layer):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer

    def call(self, x, gates):
        return self.layer(x, head_gates=gates)


class _Logits(keras.layers.Layer):
    """A classifier without its activation."""

    def __init__(self, layer):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer

    def call(self, x):
        return ops.matmul(x, self.layer.kernel) + self.layer.bias
