"""A model with a gate on every head: what masking, ablation and importance are made of."""

import keras
from keras import ops

from cctzoo.analysis.labelled import check_model, encoder_blocks
from cctzoo.layers import EncoderBlock
from cctzoo.models.quantised import is_quantised


def gated_model(model, start=None, per_token=False):
    """The model with factors on its heads as further inputs. It shares the weights.

    Args:
        model: a `CCT` that ends on softmax or on logits.
        start: number of the encoder block at which it starts: what `block_input` gives
            comes in place of the images or token ids; None: these.
        per_token: whether a head has a gate for each token, or one for all.

    Returns:
        A `keras.Model` from [images, gates of each encoder block from `start` on] to logits;
        gates are (B, T, N), or (B, 1, N) without `per_token`. 0 silences a head.

    Raises:
        ValueError: for a block that the model does not have, or a model that ends otherwise.
    """
    first, *_ = encoder_blocks(model, start)
    check_classifier(model)
    inputs, entry = model.inputs, _entry(model, first)
    if start is not None:
        inputs = entry = [keras.Input(each.shape[1:], dtype=each.dtype) for each in entry]
    x, *mask = entry  # (B, T, D) and, of a text, (B, T)
    names, gates = [layer.name for layer in model.layers], []
    for layer in model.layers[names.index(f"block{first:02d}") :]:
        if isinstance(layer, EncoderBlock):
            shape = (model.config.tokens if per_token else 1, layer.attention.num_heads)
            gates.append(keras.Input(shape, name=f"gates{layer.name.removeprefix('block')}"))
            x = _GatedBlock(layer)(x, gates[-1], *mask)
        elif layer.name == "classifier":
            x = _Logits(layer)(x)
        elif isinstance(layer.input, list):  # it takes the mask
            x = layer(x, *mask)
        else:
            x = layer(x)
    return keras.Model([*inputs, *gates], x, name=f"{model.name}_gated")


def block_input(model, block):
    """A function from a batch to what an encoder block is given: [its input (B, T, D)].

    Of texts [its input, the mask (B, T)].
    """
    before = keras.Model(model.inputs[0], _entry(model, block))

    def compute(batch):
        found = before.predict_on_batch(batch)
        return found if isinstance(found, list) else [found]  # Keras unwraps a list of one

    return compute


def _entry(model, block):
    entry = model.get_layer(f"block{block:02d}").input
    return entry if isinstance(entry, list) else [entry]


def check_classifier(model):
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
    if is_quantised(model):
        raise ValueError(
            "The model must not be quantised: analyse and prune before that. "
            f"Received: {model.name!r}, quantised"
        )


class _GatedBlock(keras.layers.Layer):
    """An encoder block that takes its gates as a further tensor."""

    def __init__(self, layer):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer
        self.supports_masking = True

    def call(self, x, gates, mask=None):
        return self.layer(x, mask=mask, head_gates=gates)


class _Logits(keras.layers.Layer):
    """A classifier without its activation."""

    def __init__(self, layer):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer

    def call(self, x):
        return ops.matmul(x, self.layer.kernel) + self.layer.bias
