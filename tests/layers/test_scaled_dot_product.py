"""Every path of attention against the plain formula, and that against loops."""

import keras
import numpy as np
import pytest

from cctzoo.layers.attention.reference import plain_scores
from cctzoo.layers.attention.scaled_dot_product import attend
from tests.layers.attention_inputs import (
    B,
    H,
    N,
    T,
    draw,
    gradients,
    make_mask,
    reference,
    to_numpy,
)


@pytest.mark.parametrize("kind", [None, "keys", "pairs"])
@pytest.mark.parametrize("implementation", ["auto", "plain", "fused"])
def test_values_equal_the_slow_reference(implementation, kind):
    inputs, mask = draw(), make_mask(kind)
    output = attend(*inputs, mask, implementation=implementation)
    np.testing.assert_allclose(to_numpy(output), reference(*inputs, mask), atol=2e-6)


@pytest.mark.parametrize(
    ("dtype", "atol", "kind"),
    [
        ("float32", 1e-5, None),
        ("float32", 1e-5, "keys"),
        ("float32", 1e-5, "pairs"),
        ("bfloat16", 6e-2, "pairs"),
        ("float16", 8e-3, "keys"),
    ],
)
def test_fused_equals_plain_in_values_and_gradients(dtype, atol, kind):
    *inputs, upstream = draw(4, dtype=dtype)
    mask = make_mask(kind)

    def run(implementation):
        def function(*x):
            return attend(*x, mask, implementation=implementation, training=True)

        output = function(*inputs)
        assert keras.backend.standardize_dtype(output.dtype) == dtype
        return [to_numpy(output), *gradients(function, inputs, upstream)]

    for fused, plain in zip(run("fused"), run("plain"), strict=True):
        np.testing.assert_allclose(fused, plain, atol=atol)


def test_every_tile_gets_its_own_rows_and_mask(tile):
    *inputs, upstream = draw(4)
    mask = make_mask("pairs")

    # At rate 1e-9 nothing is dropped, but PyTorch leaves its own kernel for the tiles.
    def run(implementation, rate):
        seeds = keras.random.SeedGenerator(1)

        def function(*x):
            return attend(*x, mask, rate, seeds, implementation)

        return [to_numpy(function(*inputs)), *gradients(function, inputs, upstream)]

    for fused, plain in zip(run("fused", 1e-9), run("plain", 0.0), strict=True):
        np.testing.assert_allclose(fused, plain, atol=1e-5)


@pytest.mark.parametrize("implementation", ["plain", "fused"])
@pytest.mark.parametrize(
    ("dtype", "shape"), [("float32", (B, T)), ("bfloat16", (B, T)), ("float16", (B, T, T))]
)
def test_a_fully_masked_row_is_finite(implementation, dtype, shape):
    *inputs, upstream = draw(4, dtype=dtype)

    def function(*x):
        return attend(*x, np.zeros(shape, bool), implementation=implementation)

    assert np.isfinite(to_numpy(function(*inputs))).all()
    assert all(np.isfinite(x).all() for x in gradients(function, inputs, upstream))


def test_softmax_is_float32_under_float16():
    query, key, _ = draw(dtype="float16")
    scores = plain_scores(query, key)
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"
    np.testing.assert_allclose(to_numpy(scores).sum(-1), 1, atol=1e-6)  # 1e-3 in float16


@pytest.mark.parametrize("wrong", ["flash", None, ""])
def test_unknown_implementation(wrong):
    with pytest.raises(ValueError, match=rf"must be .* Received: implementation={wrong!r}"):
        attend(*draw(), implementation=wrong)


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_a_batch_of_one(rate):
    inputs = draw(shape=(1, N, T, H))
    outputs = [
        to_numpy(attend(*inputs, None, rate, keras.random.SeedGenerator(3), "fused"))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*outputs)
    if not rate:
        np.testing.assert_allclose(outputs[0], reference(*inputs, None), atol=2e-6)
