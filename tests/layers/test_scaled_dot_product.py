import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.layers import scaled_dot_product
from cctzoo.layers.scaled_dot_product import attend, plain_scores

BACKEND = keras.backend.backend()
B, N, T, H = 3, 7, 13, 5


def draw(count=3, shape=(B, N, T, H), dtype="float32"):
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(count, *shape)).astype("float32")
    return [ops.cast(ops.convert_to_tensor(array), dtype) for array in arrays]


def to_numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def make_mask(kind):
    rng = np.random.default_rng(1)
    if kind is None:
        return None
    mask = rng.random((B, T) if kind == "keys" else (B, T, T)) > 0.4
    mask[..., 0] = True  # no row is fully masked
    return mask


def reference(query, key, value, mask):
    """One query at a time, in float64."""
    query, key, value = (to_numpy(x).astype("float64") for x in (query, key, value))
    output = np.zeros(value.shape)
    for b in range(value.shape[0]):
        for n in range(value.shape[1]):
            for t in range(value.shape[2]):
                allowed = np.ones(value.shape[2], bool)
                if mask is not None:
                    allowed = mask[b] if mask.ndim == 2 else mask[b, t]
                logits = key[b, n, allowed] @ query[b, n, t] / np.sqrt(query.shape[-1])
                weights = np.exp(logits - logits.max())
                output[b, n, t] = weights / weights.sum() @ value[b, n, allowed]
    return output


def gradients(function, inputs, upstream):
    """Gradients of sum(function(*inputs) * upstream), as Keras takes them in `fit`."""
    if BACKEND == "jax":
        import jax

        def loss(*x):
            return ops.sum(ops.cast(function(*x) * upstream, "float32"))

        results = jax.jit(jax.grad(loss, tuple(range(len(inputs)))))(*inputs)
    elif BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function
        def compute(*inputs):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                loss = ops.sum(ops.cast(function(*inputs) * upstream, "float32"))
            return tape.gradient(loss, inputs)

        results = compute(*inputs)
    else:
        import torch

        inputs = [x.detach().clone().requires_grad_() for x in inputs]
        loss = ops.sum(ops.cast(function(*inputs) * upstream, "float32"))
        results = torch.autograd.grad(loss, inputs)
    return [to_numpy(x) for x in results]


def set_tile_bytes(monkeypatch, size):
    sizes = dict.fromkeys(["jax", "tensorflow", "torch"], size)
    monkeypatch.setattr(scaled_dot_product, "CPU_TILE_BYTES", sizes)
    monkeypatch.setattr(scaled_dot_product, "GPU_TILE_BYTES", size)


@pytest.fixture(params=[3, 14, 100], ids=["one head", "one sample", "everything"])
def tile(request, monkeypatch):
    """Room for 3 heads (3 does not divide 7), for two samples (2 does not divide 3), for all."""
    set_tile_bytes(monkeypatch, 4 * T * T * request.param)


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


def kept_scores(rate, seed_generator, tokens=11, batch=31):
    """Scores after dropout: uniform scores on an identity as value."""
    zeros = ops.zeros((batch, N, tokens, tokens))
    identity = zeros + ops.eye(tokens)
    return to_numpy(attend(zeros, zeros, identity, None, rate, seed_generator, "fused"))


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_keeps_the_stated_fraction_and_the_mean(rate):
    scores = kept_scores(rate, keras.random.SeedGenerator(2)) * 11
    kept = scores > 0
    np.testing.assert_allclose(scores[kept], 1 / (1 - rate), rtol=1e-4)
    deviation = np.sqrt(rate * (1 - rate))
    # Five standard errors of the mean over the other axes: over all, per query, per key.
    for axes in [(0, 1, 2, 3), (0, 1, 3), (0, 1, 2)]:
        count = kept.size / np.mean(kept, axis=axes).size
        np.testing.assert_allclose(
            kept.mean(axis=axes), 1 - rate, atol=5 * deviation / np.sqrt(count)
        )


def test_dropout_is_independent_between_heads_samples_and_neighbours(tile):
    kept = kept_scores(0.5, keras.random.SeedGenerator(2), T, B) > 0
    signs = np.where(kept, 1.0, -1.0)
    for axis in range(4):
        correlation = (signs * np.roll(signs, 1, axis)).mean()
        assert abs(correlation) < 5 / np.sqrt(signs.size), axis


def test_dropout_follows_the_state_of_the_seed():
    seeds = keras.random.SeedGenerator(5)
    first, second = kept_scores(0.3, seeds), kept_scores(0.3, seeds)
    again = kept_scores(0.3, keras.random.SeedGenerator(5))
    other = kept_scores(0.3, keras.random.SeedGenerator(6))
    np.testing.assert_array_equal(first, again)
    for different in (second, other):
        differs = ((first > 0) != (different > 0)).mean()
        assert abs(differs - 2 * 0.3 * 0.7) < 0.03


def test_gradients_with_dropout_are_those_of_the_plain_formula_with_the_same_mask(tile):
    rate, shape = 0.3, (B, N, T, T)  # H = T: the value can be an identity
    query, key, value, upstream = draw(4, shape)
    mask = make_mask("pairs")
    seeds = [keras.random.SeedGenerator(7) for _ in range(2)]
    identity = ops.zeros(shape) + ops.eye(T)
    scores = attend(query, key, identity, mask, rate, seeds[0], "fused")
    factor = ops.convert_to_numpy(scores) / ops.convert_to_numpy(
        plain_scores(query, key, mask) + 1e-30
    )
    factor = ops.convert_to_tensor(np.where(factor > 0.5, 1 / (1 - rate), 0), "float32")
    assert 0.1 < float(ops.mean(factor)) < 0.9  # masked ones count as dropped

    def plain(query, key, value):
        return ops.matmul(plain_scores(query, key, mask) * factor, value)

    fused = gradients(
        lambda *x: attend(*x, mask, rate, seeds[1], "fused"), [query, key, value], upstream
    )
    expected = gradients(plain, [query, key, value], upstream)
    for result, reference in zip(fused, expected, strict=True):
        np.testing.assert_allclose(result, reference, atol=2e-5)


def test_scores_of_the_whole_batch_are_never_stored(monkeypatch):
    shape = (5, 8, 128, 4)
    set_tile_bytes(monkeypatch, 4 * 8 * 128 * 128)  # one sample
    inputs, size = draw(3, shape), 5 * 8 * 128 * 128
    if BACKEND == "jax":
        import jax

        def program(implementation):
            def function(*x):
                return ops.sum(attend(*x, implementation=implementation))

            return jax.jit(jax.grad(function, (0, 1, 2))).lower(*inputs).compile()

        used = {
            name: program(name).memory_analysis().temp_size_in_bytes for name in ("fused", "plain")
        }
        assert used["fused"] < 4 * size <= used["plain"]
    elif BACKEND == "torch":
        import torch

        def saved(implementation):
            sizes = []
            seeds = keras.random.SeedGenerator(1)
            with torch.autograd.graph.saved_tensors_hooks(
                lambda x: (sizes.append(x.numel()), x)[1], lambda x: x
            ):
                attend(*(x.requires_grad_() for x in inputs), None, 0.1, seeds, implementation)
            return max(sizes)

        assert saved("fused") < size <= saved("plain")
    else:
        import tensorflow as tf

        def largest(implementation):
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

        assert largest("fused") < size <= largest("plain")


@pytest.mark.parametrize("wrong", ["flash", None, ""])
def test_unknown_implementation_is_refused(wrong):
    with pytest.raises(ValueError, match=rf"must be .* Received: implementation={wrong!r}"):
        attend(*draw(), implementation=wrong)


def test_dropout_without_seed_generator_is_refused():
    with pytest.raises(ValueError, match=r"needs a `seed_generator`\. Received: dropout=0\.1"):
        attend(*draw(), dropout=0.1)


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


@pytest.mark.skipif(BACKEND != "tensorflow", reason="tf.function is TensorFlow's")
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_tensorflow_takes_an_unknown_batch(rate, compiled):
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


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow's graphs are exported")
def test_tensorflow_inference_is_plain_in_a_graph():
    import tensorflow as tf

    def operations(**kwargs):
        specification = [tf.TensorSpec((None, 64, 256, 4))] * 3
        function = tf.function(lambda *x: attend(*x, **kwargs))
        graph = function.get_concrete_function(*specification).graph
        return {op.type for op in graph.get_operations()}

    assert not {"While", "StatelessWhile"} & operations()
    assert {"While", "StatelessWhile"} & operations(training=True)
