"""Polynomial attention: every form against loops, its limits, and what it stores."""

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.layers import MultiHeadSelfAttention
from cctzoo.layers.attention.polynomial import grouped, linear
from cctzoo.layers.attention.polynomial.kernel import key_weights, polynomial_scores
from tests.layers import polynomial
from tests.layers.attention_inputs import (
    B,
    N,
    draw,
    gradients,
    make_mask,
    to_numpy,
)
from tests.layers.contract import array, check_layer, random_array

T = 13
WIDTHS = [1, 2, 4, 5]


def inputs_of(width, dtype="float32"):
    return draw(4, (B, N, width, T), dtype)


def weights_of(mask):
    return None if mask is None else key_weights(ops.convert_to_tensor(mask))


@pytest.mark.parametrize("kind", [None, "keys", "pairs"])
@pytest.mark.parametrize("width", WIDTHS)
def test_values_equal_the_slow_reference(width, kind):
    *inputs, _ = inputs_of(width)
    mask = make_mask(kind)
    expected = polynomial.attend(*map(to_numpy, inputs), mask)
    forms = ["auto", "plain"] + ["fused"] * (kind != "pairs")
    for implementation in forms:
        output = linear.attend(*inputs, weights_of(mask), implementation)
        np.testing.assert_allclose(to_numpy(output), expected, atol=1e-5)


@pytest.mark.parametrize("heads_per_group", [1, 7])
@pytest.mark.parametrize("width", WIDTHS)
def test_groups_equal_the_slow_reference(monkeypatch, width, heads_per_group):
    size = 4 * (width + 1) * T
    monkeypatch.setattr(grouped, "GROUP_BYTES", heads_per_group * size)
    *inputs, _ = inputs_of(width)
    mask = make_mask("keys")
    output = grouped.attend_in_groups(ops.concatenate(inputs, axis=1), N, weights_of(mask))
    expected = polynomial.attend(*map(to_numpy, inputs), mask)
    np.testing.assert_allclose(to_numpy(output), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("heads", "width", "tokens", "size"),
    [(64, 4, 256, 32), (128, 2, 256, 64), (64, 4, 64, 64), (25, 4, 1024, 5), (64, 4, 9999, 4)],
)
def test_group_size(heads, width, tokens, size):
    """A divisor that fits into 256 KiB of keys, unless there would be over 16 groups."""
    assert grouped.group_size(heads, width, tokens) == size


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 2e-2), ("float16", 4e-3)]
)
@pytest.mark.parametrize("width", WIDTHS)
def test_fused_equals_plain_in_values_and_gradients(width, dtype, tolerance):
    *inputs, upstream = inputs_of(width, dtype)
    weights = weights_of(make_mask("keys"))

    def run(implementation):
        def function(*x):
            return linear.attend(*x, weights, implementation)

        output = function(*inputs)
        assert keras.backend.standardize_dtype(output.dtype) == dtype
        return [to_numpy(output), *gradients(function, inputs, upstream)]

    for fused, plain in zip(run("fused"), run("plain"), strict=True):
        # At width 1, every key points along the query or away from it: sums cancel.
        scale = max(1.0, np.abs(plain).max()) * (10 if width == 1 else 1)
        np.testing.assert_allclose(fused, plain, atol=tolerance * scale)


def test_gradients_equal_differences():
    """In NumPy and float64: the plain form is itself differentiated by the backend."""
    *inputs, upstream = (to_numpy(x).astype("float64")[:1, :1] for x in inputs_of(2))
    tensors = [ops.convert_to_tensor(x, "float32") for x in inputs]
    found = gradients(
        lambda *x: linear.attend(*x, None, "fused"),
        tensors,
        ops.convert_to_tensor(upstream, "float32"),
    )
    step = 1e-5
    for part, gradient in enumerate(found):
        for index in list(np.ndindex(gradient.shape))[::5]:
            totals = []
            for sign in (1, -1):
                moved = [x.copy() for x in inputs]
                moved[part][index] += sign * step
                totals.append((polynomial.attend(*moved) * upstream).sum())
            slope = (totals[0] - totals[1]) / (2 * step)
            np.testing.assert_allclose(gradient[index], slope, rtol=1e-3, atol=1e-4)


def test_weights_of_single_heads():
    *inputs, upstream = inputs_of(4)
    weights = key_weights(
        ops.convert_to_tensor(make_mask("keys")), 0.5, keras.random.SeedGenerator(1), (B, N, 1, T)
    )

    def run(implementation):
        def function(*x):
            return linear.attend(*x, weights, implementation)

        return [to_numpy(function(*inputs)), *gradients(function, inputs, upstream)]

    for fused, plain in zip(run("fused"), run("plain"), strict=True):
        np.testing.assert_allclose(fused, plain, atol=1e-4)


@pytest.mark.parametrize("implementation", ["plain", "fused"])
class TestLimits:
    def test_keys_of_length_0_all_count_alike(self, implementation):
        query, _, value, upstream = inputs_of(3)
        key = ops.zeros_like(query)

        def function(*x):
            return linear.attend(*x, None, implementation)

        output = to_numpy(function(query, key, value))
        mean = to_numpy(value).mean(-1, keepdims=True)
        np.testing.assert_allclose(output, np.broadcast_to(mean, output.shape), atol=1e-5)
        found = gradients(function, [query, key, value], upstream)
        assert all(np.isfinite(x).all() for x in found)

    def test_a_query_of_length_0_weighs_keys_by_their_length(self, implementation):
        _, key, value, upstream = inputs_of(3)
        query = ops.zeros_like(key)

        def function(*x):
            return linear.attend(*x, None, implementation)

        counts = (to_numpy(key) ** 2).sum(-2, keepdims=True) ** 2
        mean = (to_numpy(value) * counts).sum(-1, keepdims=True) / counts.sum(-1, keepdims=True)
        output = to_numpy(function(query, key, value))
        np.testing.assert_allclose(output, np.broadcast_to(mean, output.shape), atol=1e-4)
        found = gradients(function, [query, key, value], upstream)
        assert all(np.isfinite(x).all() for x in found)

    def test_keys_that_all_point_away(self, implementation):
        """Only the floor is left; the quotient of rounding errors would be anything."""
        query, key, value, _ = inputs_of(1)
        query, key = ops.abs(query) + 0.1, -ops.abs(key) - 0.1
        output = to_numpy(linear.attend(query, key, value, None, implementation))
        expected = polynomial.attend(*map(to_numpy, (query, key, value)))
        np.testing.assert_allclose(output, expected, atol=3e-4)

    def test_a_mask_without_keys_gives_the_mean(self, implementation):
        *inputs, upstream = inputs_of(4)
        weights = weights_of(np.zeros((B, T), bool))

        def function(*x):
            return linear.attend(*x, weights, implementation)

        expected = polynomial.attend(*map(to_numpy, inputs))
        np.testing.assert_allclose(to_numpy(function(*inputs)), expected, atol=1e-5)
        assert all(np.isfinite(x).all() for x in gradients(function, inputs, upstream))


def test_dropout_drops_keys_of_single_heads():
    shape = (50, N, 1, T)
    weights = array(key_weights(None, 0.3, keras.random.SeedGenerator(1), shape))
    assert weights.shape == shape
    assert abs((weights == 0).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / weights.size)
    assert len(np.unique(weights[weights > 0])) == 1
    again = array(key_weights(None, 0.3, keras.random.SeedGenerator(1), shape))
    np.testing.assert_array_equal(weights, again)


def test_dropout_leaves_no_row_without_keys():
    mask = np.arange(T) < 2
    masks = ops.convert_to_tensor(np.broadcast_to(mask, (60, T)))
    weights = key_weights(masks, 0.9, keras.random.SeedGenerator(1), (60, N, 1, T))
    weights = array(weights)
    assert not weights[..., ~mask].any()
    assert (weights.max(-1) > 0).all()
    assert (weights[..., mask] == 0).any()


def test_scores_are_float32_distributions():
    query, key, *_ = inputs_of(4, "float16")
    scores = polynomial_scores(query, key)
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"
    np.testing.assert_allclose(to_numpy(scores).sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("tokens", [3, 40])
def test_contract_of_the_layer(tokens, tmp_path):
    """3 tokens take the scores, 40 the linear form."""
    options = {"num_heads": 3, "head_dim": 2, "attention": "polynomial"}
    check_layer(MultiHeadSelfAttention, options, (2, tokens, 7), (2, tokens, 7), tmp_path)


@pytest.mark.parametrize("shape", [(2, 40), (2, 40, 40)])
def test_the_layer_returns_its_scores_and_heads(shape):
    layer = MultiHeadSelfAttention(3, 4, attention="polynomial")
    x = random_array(2, 40, 7)
    mask = np.random.default_rng(1).random(shape) < 0.7
    results = layer(
        x, mask=ops.convert_to_tensor(mask), return_attention_scores=True, return_heads=True
    )
    output, scores, heads = map(array, results)
    np.testing.assert_allclose(output, array(layer(x, mask=ops.convert_to_tensor(mask))), atol=1e-5)
    parts = np.split(x @ layer.get_weights()[0], 3, -1)
    query, key, value = (part.reshape(2, 40, 3, 4).transpose(0, 2, 3, 1) for part in parts)
    np.testing.assert_allclose(scores, polynomial.scores(query, key, mask), atol=1e-5)
    expected = polynomial.attend(query, key, value, mask).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(heads, expected, atol=1e-5)


def test_dropout_of_the_layer_is_only_in_training():
    x = random_array(2, 40, 12)
    layer = MultiHeadSelfAttention(3, dropout=0.5, seed=3, attention="polynomial")
    plain = array(layer(x))
    first, second = (array(layer(x, training=True)) for _ in range(2))
    assert not np.allclose(first, plain, atol=1e-5)
    assert not np.allclose(first, second, atol=1e-5)
    np.testing.assert_array_equal(array(layer(x)), plain)


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"attention": "linear"}, "attention='linear'"),
        ({"attention": "polynomial", "implementation": "flash"}, "implementation='flash'"),
    ],
)
def test_errors(options, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        MultiHeadSelfAttention(num_heads=3, **options)(random_array(2, 5, 6))


def test_fused_attention_with_a_mask_of_pairs_is_refused():
    *inputs, _ = inputs_of(4)
    with pytest.raises(ValueError, match=r"one mask \(B, T\).*Received: a mask of shape"):
        linear.attend(*inputs, weights_of(make_mask("pairs")), "fused")


@pytest.mark.one_backend("torch")
def test_torch_saves_no_scores():
    import torch

    inputs = draw(3, (2, N, 4, 64))
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda x: (sizes.append(x.numel()), x)[1], lambda x: x
    ):
        linear.attend(*(x.requires_grad_() for x in inputs), None, "fused")
    assert max(sizes) <= 5 / 4 * inputs[0].numel()


@pytest.mark.one_backend("jax")
def test_jax_stores_no_scores():
    import jax

    tokens = 512
    inputs = draw(3, (2, 8, 2, tokens))

    def bytes_of(implementation):
        def function(*x):
            return ops.sum(linear.attend(*x, None, implementation))

        program = jax.jit(jax.grad(function, (0, 1, 2))).lower(*inputs).compile()
        return program.memory_analysis().temp_size_in_bytes

    assert bytes_of("fused") < 4 * 2 * 8 * tokens**2 / 4 < bytes_of("plain")


@pytest.mark.one_backend("tensorflow")  # only TensorFlow's graphs are exported
def test_tensorflow_exports_neither_loops_nor_scores():
    import tensorflow as tf

    layer = MultiHeadSelfAttention(16, attention="polynomial")
    layer.build((None, 256, 64))
    function = tf.function(lambda x: layer(x))
    operations = function.get_concrete_function(tf.TensorSpec((None, 256, 64))).graph
    operations = operations.get_operations()
    assert not {"While", "StatelessWhile", "Softmax", "Exp"} & {op.type for op in operations}
    shapes = [x.shape for op in operations for x in op.outputs if x.shape.rank]
    assert not any(list(shape[-2:]) == [256, 256] for shape in shapes)
