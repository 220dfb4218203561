"""MultiHeadSelfAttention against loops over samples and heads."""

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.layers import MultiHeadSelfAttention
from tests.layers import reference
from tests.layers.contract import array, check_layer, random_array, randomise

B, T, D, N, H = 2, 11, 7, 3, 5  # N * H differs from D
RANDOM = np.random.default_rng(2).random
MASKS = {
    "none": None,
    "tokens": RANDOM((B, T)) < 0.6,
    "pairs": (RANDOM((B, T, T)) < 0.6) | np.eye(T, dtype=bool),
}


@pytest.fixture
def x():
    return random_array(B, T, D)


@pytest.fixture
def layer():
    return built()


def built(**options):
    layer = MultiHeadSelfAttention(N, H, **options)
    layer.build((B, T, D))
    randomise(layer)
    return layer


def tensor(mask):
    return None if mask is None else ops.convert_to_tensor(mask)


@pytest.mark.parametrize("options", [{"num_heads": N, "head_dim": H}, {"num_heads": D}])
def test_contract(options, tmp_path):
    check_layer(MultiHeadSelfAttention, options, (B, T, D), (B, T, D), tmp_path)


@pytest.mark.parametrize("implementation", ["auto", "plain", "fused"])
@pytest.mark.parametrize("mask", MASKS)
def test_equals_numpy(x, mask, implementation):
    layer = built(implementation=implementation)
    mask = MASKS[mask]
    expected, _, _ = reference.attention(x, *layer.get_weights(), N, mask)
    for training in (False, True):
        outputs = array(layer(x, mask=tensor(mask), training=training))
        np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mask", MASKS)
def test_scores_and_heads(x, layer, mask):
    mask = MASKS[mask]
    expected = reference.attention(x, *layer.get_weights(), N, mask)
    results = layer(x, mask=tensor(mask), return_attention_scores=True, return_heads=True)
    for result, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(array(result), value, rtol=1e-4, atol=1e-4)
    output, scores, heads = map(array, results)
    np.testing.assert_allclose(scores.sum(-1), 1, rtol=1e-5)
    _, projection, bias = layer.get_weights()
    projected = heads.reshape(B, T, N * H) @ projection + bias
    np.testing.assert_allclose(projected, output, rtol=1e-4, atol=1e-4)


def test_scores_only_and_heads_only(x, layer):
    _, scores = layer(x, return_attention_scores=True)
    assert scores.shape == (B, N, T, T)
    _, heads = layer(x, return_heads=True)
    assert heads.shape == (B, T, N, H)


def test_masked_tokens_have_no_influence(x, layer):
    mask = MASKS["tokens"]
    changed = np.where(mask[..., None], x, 100)
    outputs = [array(layer(inputs, mask=tensor(mask)))[mask] for inputs in (x, changed)]
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-4)


def test_a_mask_from_keras_is_used(x):
    """That of an embedding or masking layer before it."""
    layer = built()
    x[1, 4:] = 0
    outputs = array(layer(keras.layers.Masking()(x)))
    expected = array(layer(x, mask=tensor((x != 0).any(-1))))
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(outputs, array(layer(x)), atol=1e-3)


def test_scores_are_float32_in_mixed_precision(x):
    layer = MultiHeadSelfAttention(N, H, dtype="mixed_bfloat16")
    _, scores = layer(x, return_attention_scores=True)
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"


@pytest.mark.parametrize("scores", [False, True])
def test_dropout(x, scores):
    """Only in training, new at every call, the same again from the same seed."""
    options = {"return_attention_scores": scores, "return_heads": True}
    layer, twin, other = (built(dropout=0.5, seed=seed) for seed in (3, 3, 4))

    def call(layer, training):
        return array(layer(x, training=training, **options)[0])

    undropped = array(built()(x))
    np.testing.assert_allclose(call(layer, False), undropped, rtol=1e-4, atol=1e-4)
    first, second = call(layer, True), call(layer, True)
    assert not np.allclose(first, undropped, atol=1e-2)
    assert not np.allclose(first, second, atol=1e-2)
    np.testing.assert_allclose(call(twin, True), first, atol=1e-6)
    assert not np.allclose(call(other, True), first, atol=1e-2)


def test_scores_are_those_before_dropout(x):
    _, scores = built(dropout=0.5, seed=3)(x, training=True, return_attention_scores=True)
    _, expected = built()(x, return_attention_scores=True)
    np.testing.assert_allclose(array(scores), array(expected), atol=1e-6)


def test_initial_weights():
    layer = MultiHeadSelfAttention(4)
    layer.build((None, T, 128))
    qkv, projection, bias = layer.get_weights()
    assert qkv.shape == (128, 3 * 128)
    assert qkv.std() == pytest.approx(0.02, rel=0.05)
    assert projection.std() == pytest.approx(0.02, rel=0.05)
    assert not bias.any()


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"num_heads": 0}, "num_heads=0"),
        ({"num_heads": 2, "head_dim": 0}, "head_dim=0"),
        ({"num_heads": 2, "dropout": 1.0}, "dropout=1.0"),
        ({"num_heads": 2, "dropout": -0.1}, "dropout=-0.1"),
        ({"num_heads": 2}, f"width={D}, num_heads=2"),
        ({"num_heads": D, "implementation": "flash"}, "implementation='flash'"),
    ],
)
def test_errors(x, options, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        MultiHeadSelfAttention(**options)(x)


@pytest.mark.parametrize("shape", [(N,), (B, 1, N), (B, T, N)])
def test_gates_multiply_the_heads_before_projection(x, layer, shape):
    gates = np.random.default_rng(3).random(shape).astype("float32")
    kernel, bias = layer.projection.get_weights()
    heads = array(layer(x, return_heads=True)[1])  # (B, T, N, H)
    expected = (heads * gates[..., None]).reshape(B, T, N * H) @ kernel + bias
    np.testing.assert_allclose(array(layer(x, head_gates=gates)), expected, rtol=1e-4, atol=1e-4)
