"""The compiled programs hold no scores of a whole batch; exported graphs hold no loop."""

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.layers.attention.scaled_dot_product import attend
from tests.layers.attention_inputs import (
    H,
    N,
    T,
    draw,
    make_mask,
    reference,
    set_tile_bytes,
    to_numpy,
)

SHAPE = (5, 8, 128, 4)
SCORES = 5 * 8 * 128 * 128  # of the whole batch
SAMPLE_BYTES = 4 * SCORES // 5


@pytest.mark.one_backend("jax")
def test_jax_never_stores_the_scores_of_the_batch(monkeypatch):
    import jax

    set_tile_bytes(monkeypatch, SAMPLE_BYTES)
    inputs = draw(3, SHAPE)

    def bytes_of(implementation):
        def function(*x):
            return ops.sum(attend(*x, implementation=implementation))

        program = jax.jit(jax.grad(function, (0, 1, 2))).lower(*inputs).compile()
        return program.memory_analysis().temp_size_in_bytes

    assert bytes_of("fused") < 4 * SCORES <= bytes_of("plain")


@pytest.mark.one_backend("torch")
def test_torch_never_saves_the_scores_of_the_batch(monkeypatch):
    import torch

    from cctzoo.layers.attention import torch as fused

    set_tile_bytes(monkeypatch, SAMPLE_BYTES)
    monkeypatch.setattr(fused, "KEPT_BYTES", 0)
    inputs = draw(3, SHAPE)

    def largest_saved(implementation):
        sizes = []
        seeds = keras.random.SeedGenerator(1)
        with torch.autograd.graph.saved_tensors_hooks(
            lambda x: (sizes.append(x.numel()), x)[1], lambda x: x
        ):
            attend(*(x.requires_grad_() for x in inputs), None, 0.1, seeds, implementation)
        return max(sizes)

    assert largest_saved("fused") < SCORES <= largest_saved("plain")


@pytest.mark.one_backend("tensorflow")
def test_tensorflow_never_stores_the_scores_of_the_batch(monkeypatch):
    import tensorflow as tf

    set_tile_bytes(monkeypatch, SAMPLE_BYTES)
    inputs = draw(3, SHAPE)

    def largest_tensor(implementation):
        function = tf.function(
            lambda *x: tf.gradients(attend(*x, implementation=implementation), x)
        )
        operations = function.get_concrete_function(*inputs).graph.get_operations()
        return max(
            x.shape.num_elements() or 0
            for op in operations
            for x in op.outputs
            if x.shape.rank is not None
        )

    assert largest_tensor("fused") < SCORES <= largest_tensor("plain")


@pytest.mark.one_backend("tensorflow")  # tf.function is TensorFlow's
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_tensorflow_accepts_an_unknown_batch(rate, compiled):
    import tensorflow as tf

    seeds = keras.random.SeedGenerator(1)
    signature = [tf.TensorSpec((None, N, T, H))] * 3 + [tf.TensorSpec((None, T), "bool")]

    @tf.function(input_signature=signature, jit_compile=compiled)
    def compute(query, key, value, mask):
        with tf.GradientTape() as tape:
            tape.watch(value)
            output = attend(query, key, value, mask, rate, seeds, "fused", training=True)
        return output, tape.gradient(output, value)

    inputs, mask = draw(), make_mask("keys")
    output, gradient = compute(*inputs, mask)
    # The output is linear in the value: sum(output) = sum(value * gradient).
    total = float(ops.sum(output))
    assert abs(total - float(ops.sum(inputs[2] * gradient))) < 1e-3 < abs(total)
    if not rate:
        np.testing.assert_allclose(to_numpy(output), reference(*inputs, mask), atol=2e-6)


@pytest.mark.one_backend("tensorflow")  # only TensorFlow's graphs are exported
def test_tensorflow_inference_is_plain_in_a_graph():
    import tensorflow as tf

    def operations(**kwargs):
        specification = [tf.TensorSpec((None, 64, 256, 4))] * 3
        function = tf.function(lambda *x: attend(*x, **kwargs))
        graph = function.get_concrete_function(*specification).graph
        return {op.type for op in graph.get_operations()}

    assert not {"While", "StatelessWhile"} & operations()
    assert {"While", "StatelessWhile"} & operations(training=True)
