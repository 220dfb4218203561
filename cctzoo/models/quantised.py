"""Which layers of a model `keras.Model.quantize` has quantised."""

import keras

from cctzoo.arguments import checked_arguments


def quantised_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The quantised layers of a model, layers inside layers included."""
    # Private: Keras' public `layers` lists the outermost layers only.
    return [layer for layer in model._flatten_layers() if layer.quantization_mode]


@checked_arguments
def is_quantised(model: keras.Model) -> bool:
    """Whether any layer of the model is quantised (`model.quantize("int8")`)."""
    return bool(quantised_layers(model))
