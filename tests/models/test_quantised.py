import keras
import pytest

from cctzoo import models
from tests.models.small import small_model

pytestmark = pytest.mark.one_backend("jax")


def test_is_quantised_sees_layers_inside_layers():
    model = small_model()
    assert not models.is_quantised(model)
    model.get_layer("block01").attention.qkv.quantize("int8")
    assert models.is_quantised(model)


def test_private_names_of_keras():
    message = "Keras changed `Model._flatten_layers`: adapt cctzoo/models/quantised.py"
    assert hasattr(keras.Model, "_flatten_layers"), message
    layers = list(small_model()._flatten_layers())
    assert any(layer.name == "qkv" for layer in layers), message  # a layer in a layer in a layer
    changed = "Keras changed `Layer.quantization_mode`: adapt cctzoo/models/quantised.py"
    assert all(hasattr(layer, "quantization_mode") for layer in layers), changed
