"""Attention by cuDNN's kernel under JAX: when it is chosen, and what it computes."""

import types

import keras
import numpy as np
import pytest

from cctzoo.layers.attention.scaled_dot_product import attend
from tests.layers.attention_inputs import draw, gradients, reference, to_numpy

pytestmark = pytest.mark.one_backend("jax")

SHAPE = 2, 3, 128, 5  # heads of width 5 are padded to 8


def pretend_gpu(monkeypatch, platform="cuda 13000", capability="9.0"):
    import jax

    client = types.SimpleNamespace(platform_version=platform)
    device = types.SimpleNamespace(client=client, compute_capability=capability)
    monkeypatch.setattr(jax, "local_devices", lambda: [device])


@pytest.mark.parametrize(
    ("gpu", "shape", "dtype", "chosen"),
    [
        ({}, SHAPE, "bfloat16", True),
        ({}, SHAPE, "float16", True),
        ({}, SHAPE, "float32", False),
        ({}, (2, 3, 129, 5), "bfloat16", False),
        ({}, (2, 3, 64, 5), "bfloat16", False),
        ({}, (2, 3, 128, 136), "bfloat16", False),
        ({"capability": "7.5"}, SHAPE, "bfloat16", False),
        ({"platform": "rocm 70000"}, SHAPE, "bfloat16", False),
    ],
)
def test_choice(monkeypatch, gpu, shape, dtype, chosen):
    from cctzoo.layers.attention import jax as attention

    pretend_gpu(monkeypatch, **gpu)
    assert attention._has_cudnn_kernel(draw(1, shape, dtype)[0]) == chosen


def test_not_chosen_with_mask_or_dropout(monkeypatch):
    from cctzoo.layers.attention import jax as attention

    monkeypatch.setattr(attention, "_has_cudnn_kernel", lambda x: True)
    monkeypatch.setattr(attention, "_attend_by_cudnn", None)
    inputs, mask = draw(shape=SHAPE), np.ones((2, 128), bool)
    found = to_numpy(attend(*inputs, mask))
    np.testing.assert_allclose(found, reference(*inputs, mask), atol=2e-6)
    attend(*inputs, dropout=0.1, seed_generator=keras.random.SeedGenerator(0), training=True)


def test_padded_heads_equal_the_slow_reference(monkeypatch):
    """On any machine: XLA computes in place of cuDNN what the kernel is given."""
    import jax

    from cctzoo.layers.attention import jax as attention

    plain = jax.nn.dot_product_attention
    widths = []

    def by_xla(query, *others, implementation, **options):
        assert implementation == "cudnn"
        widths.append(query.shape[-1])
        return plain(query, *others, **options)

    monkeypatch.setattr(attention, "_has_cudnn_kernel", lambda x: True)
    monkeypatch.setattr(jax.nn, "dot_product_attention", by_xla)
    inputs = draw(shape=SHAPE)
    found = to_numpy(attend(*inputs))
    np.testing.assert_allclose(found, reference(*inputs, None), atol=2e-6)
    assert widths == [8]


def test_kernel_equals_plain_in_values_and_gradients():
    import jax

    if jax.default_backend() != "gpu":
        pytest.skip("needs a GPU")
    *inputs, upstream = draw(4, SHAPE, "bfloat16")

    def run(implementation):
        def function(*x):
            return attend(*x, implementation=implementation, training=True)

        return [to_numpy(function(*inputs)), *gradients(function, inputs, upstream)]

    for fused, plain in zip(run("fused"), run("plain"), strict=True):
        np.testing.assert_allclose(fused, plain, atol=6e-2)
