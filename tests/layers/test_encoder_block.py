"""EncoderBlock against NumPy, in both orders of its norms."""

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.layers import EncoderBlock
from cctzoo.layers.functional import ACTIVATIONS
from tests.layers import reference
from tests.layers.contract import array, check_layer, gradients, random_array, randomise

B, T, D, N, H = 2, 11, 7, 3, 5
OPTIONS = {"num_heads": N, "head_dim": H, "mlp_ratio": 13 / 7}


def built(**options):
    block = EncoderBlock(**OPTIONS, **options)
    block.build((B, T, D))
    randomise(block)
    return block


@pytest.mark.parametrize(
    "options", [{"norm": "cct"}, {"norm": "pre"}, {"mlp_kind": "depthwise", "grid": [T]}]
)
def test_contract(options, tmp_path):
    check_layer(EncoderBlock, {**OPTIONS, **options}, (B, T, D), (B, T, D), tmp_path)


@pytest.mark.parametrize("norm", ["cct", "pre"])
@pytest.mark.parametrize("masked", [False, True])
def test_equals_numpy(norm, masked):
    block, x = built(norm=norm), random_array(B, T, D)
    mask = np.random.default_rng(2).random((B, T)) < 0.6 if masked else None
    expected = numpy_block(block, x, mask)
    outputs = array(block(x, mask=ops.convert_to_tensor(mask) if masked else None))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=2e-4)


def numpy_block(block, x, mask):
    attention, attention_norm, mlp_norm, expand, contract = (
        layer.get_weights()
        for layer in (
            block.attention,
            block.attention_norm,
            block.mlp_norm,
            block.expand,
            block.contract,
        )
    )
    x = x + reference.attention(reference.layer_norm(x, *attention_norm), *attention, N, mask)[0]
    normed = reference.layer_norm(x, *mlp_norm)
    if block.norm == "cct":
        x = normed
    activation, _ = reference.ACTIVATIONS[block.activation]
    hidden = activation(normed @ expand[0] + expand[1])
    return x + hidden @ contract[0] + contract[1]


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_activations_are_exact(name):
    """The tanh approximation of GELU is off by up to 5e-4, ours by float32's rounding."""
    x = np.linspace(-4, 4, 101, dtype="float32")
    outputs = array(ACTIVATIONS[name](ops.convert_to_tensor(x)))
    expected, _ = reference.ACTIVATIONS[name]
    np.testing.assert_allclose(outputs, expected(x.astype("float64")), atol=1e-6)


@pytest.mark.parametrize("name", ["quick_gelu", "relu"])
def test_another_activation_equals_numpy(name):
    block, x = built(activation=name), random_array(B, T, D)
    np.testing.assert_allclose(array(block(x)), numpy_block(block, x, None), rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_gradients_of_activations_equal_numpy(name):
    """Of the bias before the activation: nothing else depends on it."""
    block, x = EncoderBlock(**OPTIONS, activation=name), random_array(B, T, D)
    model = keras.Sequential([keras.Input((T, D)), block])
    randomise(block)
    upstream = np.random.default_rng(3).standard_normal((B, T, D)).astype("float32")
    places = [variable is block.expand.bias for variable in model.trainable_variables]
    gradient = gradients(model, x, upstream)[places.index(True)]
    hidden = numpy_hidden(block, x)
    _, derivative = reference.ACTIVATIONS[name]
    expected = (upstream @ block.contract.get_weights()[0].T * derivative(hidden)).sum((0, 1))
    np.testing.assert_allclose(array(gradient), expected, rtol=1e-4, atol=1e-4)


def numpy_hidden(block, x):
    """The hidden layer before the activation; the attention is tested elsewhere."""
    attended = array(block.attention(block.attention_norm(x)))
    normed = reference.layer_norm(x + attended, *block.mlp_norm.get_weights())
    kernel, bias = block.expand.get_weights()
    return normed @ kernel + bias


def test_widths():
    block = built()
    assert block.expand.kernel.shape == (D, 13)
    assert block.contract.kernel.shape == (13, D)


@pytest.mark.parametrize("flags", [("return_attention_scores",), ("return_heads",), None])
def test_extra_outputs_come_from_the_attention(flags):
    flags = dict.fromkeys(flags or ("return_attention_scores", "return_heads"), True)
    block, x = built(), random_array(B, T, D)
    output, *extras = block(x, **flags)
    _, *expected = block.attention(block.attention_norm(x), **flags)
    np.testing.assert_allclose(array(output), array(block(x)), rtol=1e-5, atol=1e-5)
    for extra, value in zip(extras, expected, strict=True):
        np.testing.assert_allclose(array(extra), array(value), atol=1e-6)


def test_hidden_layer_is_the_last_output():
    block, x = built(), random_array(B, T, D)
    _, heads, hidden = block(x, return_heads=True, return_mlp=True)
    attended, attended_heads = block.attention(block.attention_norm(x), return_heads=True)
    normed = array(block.mlp_norm(x + array(attended)))
    expected = reference.gelu(
        normed @ block.expand.get_weights()[0] + block.expand.get_weights()[1]
    )
    np.testing.assert_allclose(array(hidden), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(array(heads), array(attended_heads), atol=1e-6)


@pytest.mark.parametrize("rate", ["dropout", "attention_dropout", "stochastic_depth"])
def test_random_only_in_training(rate):
    x = random_array(B, T, D)
    block, twin = (built(**{rate: 0.5}, seed=5) for _ in range(2))
    np.testing.assert_allclose(array(block(x)), array(built()(x)), rtol=1e-4, atol=1e-4)
    first = array(block(x, training=True))
    assert not np.allclose(first, array(block(x)), atol=1e-2)
    np.testing.assert_allclose(array(twin(x, training=True)), first, atol=1e-6)


@pytest.mark.parametrize("norm", ["cct", "pre"])
def test_stochastic_depth_keeps_the_stream(norm):
    """With almost every branch dropped, the output is the residual stream."""
    block, x = built(norm=norm, stochastic_depth=1 - 1e-6), random_array(B, T, D)
    expected = reference.layer_norm(x, *block.mlp_norm.get_weights()) if norm == "cct" else x
    np.testing.assert_allclose(array(block(x, training=True)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"norm": "post"}, "norm='post'"),
        ({"activation": "swish"}, "activation='swish'"),
        ({"activation": ["relu"]}, "activation=.'relu'"),
        ({"attention_dropout": 1.5}, "dropout=1.5"),
        ({"stochastic_depth": 1.5}, "rate=1.5"),
        ({"mlp_ratio": 0}, "units=0"),
    ],
)
def test_errors(options, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        EncoderBlock(**{**OPTIONS, **options})(random_array(B, T, D))
