"""Pruned models equal masked models, and can be trained, saved and pruned again."""

import re

import keras
import numpy as np
import pytest

from cctzoo.analysis import masked_predictions, prune_heads
from cctzoo.models import multiply_accumulates
from tests.analysis.trained import labelled, scattered_model
from tests.models.small import small_model

once = pytest.mark.one_backend("torch")  # for the further cases of a test of every backend
MODELS = {
    "cct": ({"heads": (3, 6), "classifier_activation": None}, {0: [2], 1: [5, 0, 3]}),
    "prefix": (
        {"depth": 3, "conv_prefix": 1, "heads": (2, 5), "head_dim": (3, 4), "norm": "pre"},
        {2: [1, 4]},
    ),
    "polynomial": (
        {"attention": "polynomial", "kernel_size": 3, "heads": 6},
        {0: [2, 5], 1: [0, 1, 4]},
    ),
    "class token": ({"family": "vit", "kernel_size": 4}, {0: [0, 1], 1: [2]}),
}


def logits(model, x):
    found = model.predict(x, verbose=0)
    return np.log(found) if model.config.classifier_activation == "softmax" else found


def centred(x):
    """Logits without their mean, which softmax ignores."""
    return x - x.mean(axis=1, keepdims=True)


@pytest.mark.parametrize(
    "kind", ["prefix", *(pytest.param(kind, marks=once) for kind in MODELS if kind != "prefix")]
)
def test_pruned_equals_masked(kind):
    changes, keep = MODELS[kind]
    model = scattered_model(0.2, **changes)
    x, _ = labelled(model, 7)
    before = model.get_weights()
    pruned = prune_heads(model, keep)
    expected = centred(masked_predictions(model, x, keep, batch_size=4))
    np.testing.assert_allclose(centred(logits(pruned, x)), expected, atol=1e-5)
    assert not np.allclose(expected, centred(logits(model, x)), atol=1e-2)

    blocks = range(model.config.conv_prefix, model.config.depth)
    counts = [
        len(keep.get(b, range(n))) for b, n in zip(blocks, model.config.block_heads, strict=True)
    ]
    assert pruned.config.block_heads == tuple(counts)
    assert pruned.count_params() < model.count_params()
    assert multiply_accumulates(pruned.config) < multiply_accumulates(model.config)
    for mine, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


@once  # a model as any other
def test_pruned_model_trains_saves_and_loads(tmp_path):
    model = scattered_model(0.1, heads=6, dtype="mixed_bfloat16")
    x, y = labelled(model, 16)
    pruned = prune_heads(model, {1: [0, 4, 5]}, name="fewer")
    assert pruned.dtype_policy.name == "mixed_bfloat16"
    pruned.compile("adam", "sparse_categorical_crossentropy")
    before = pruned.get_weights()
    pruned.fit(x, y, batch_size=8, verbose=0)
    assert any((a != b).any() for a, b in zip(before, pruned.get_weights(), strict=True))
    pruned.save(tmp_path / "pruned.keras")
    loaded = keras.saving.load_model(tmp_path / "pruned.keras")
    assert loaded.config == pruned.config
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), pruned.predict(x, verbose=0), atol=1e-6
    )
    twice = prune_heads(loaded, {1: [2], 0: [1]})
    assert twice.config.block_heads == (1, 1)


INVALID_KEEP = [
    ({3: [0]}, "3"),
    ({0: []}, "[] for block 0 of 3 heads"),
    ({1: [0, 3]}, "[0, 3] for block 1 of 3 heads"),
    ({1: [-1]}, "[-1] for block 1 of 3 heads"),
    ({1: [0.0]}, "[0.0] for block 1 of 3 heads"),
]


@pytest.mark.one_backend("torch")  # only NumPy
@pytest.mark.parametrize(("keep", "received"), INVALID_KEEP)
def test_invalid_keep(keep, received):
    model = small_model()
    x, _ = labelled(model, 2)
    for function in (prune_heads, lambda model, keep: masked_predictions(model, x, keep)):
        with pytest.raises(ValueError, match=re.escape(f"Received: {received}") + "$"):
            function(model, keep)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.one_backend("torch")  # only NumPy
def test_repeated_heads_and_quantised_models():
    with pytest.raises(ValueError, match="only once"):
        prune_heads(small_model(), {0: [1, 1]})
    model = small_model()
    model.get_layer("classifier").quantize("int8")
    with pytest.raises(ValueError, match="Received: 'small', quantised"):
        prune_heads(model, {0: [1]})
