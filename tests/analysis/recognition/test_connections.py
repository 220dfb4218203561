"""Connection masks: the rule element by element, and training with masks."""

import keras
import numpy as np
import pytest

from cctzoo.analysis import (
    BlockPerformance,
    Performance,
    connection_masks,
    mask_connections,
)
from tests.analysis.trained import labelled
from tests.models.small import CLASSES, small_model

once = pytest.mark.one_backend("torch")  # only NumPy


def performance(unit, counts, seed):
    """Units with random diagonal fields."""
    rng = np.random.default_rng(seed)
    blocks = []
    for block, units in counts.items():
        fields = np.zeros((units, CLASSES, CLASSES))
        labels = np.arange(CLASSES)
        fields[:, labels, labels] = rng.random((units, CLASSES)) < 0.3
        evidence = np.zeros((units, CLASSES))
        blocks.append(BlockPerformance(block, None, fields, evidence, 1.0, 1.0, 0.3, None))
    return Performance(unit, tuple(blocks), {})


def measured(heads=False):
    first = performance(
        "head" if heads else "attention_node", dict.fromkeys((0, 1), 3 if heads else 24), 0
    )
    return (
        first,
        performance("stream_node", {0: 24, 1: 24}, 1),
        performance("mlp_node", {0: 48, 1: 48}, 2),
    )


@once
@pytest.mark.parametrize("heads", [True, False])
def test_weight_is_kept_if_both_units_share_a_label(heads):
    model = small_model()
    attention, stream, mlp = measured(heads)
    masks = connection_masks(model, attention, stream, mlp)
    assert len(masks) == 5
    for block in (0, 1):
        layer = model.get_layer(f"block{block:02d}")
        for kernel, ends, width in (
            (layer.attention.projection.kernel, attention, 8 if heads else 1),
            (layer.contract.kernel, mlp, 1),
        ):
            mask = masks[kernel.path]
            assert mask.shape == tuple(kernel.shape)
            for i in range(mask.shape[0]):
                for j in range(mask.shape[1]):
                    common = {*ends[block].units[i // width].labels}
                    common &= {*stream[block].units[j].labels}
                    assert mask[i, j] == bool(common)
            assert 0 < mask.mean() < 1
    mask = masks[model.get_layer("classifier").kernel.path]
    assert all(
        mask[i, j] == (j in unit.labels)
        for i, unit in enumerate(stream[1].units)
        for j in range(CLASSES)
    )


def test_training_keeps_masked_weights_at_zero():
    model = small_model(heads=3)
    masks = connection_masks(model, *measured())
    x, y = labelled(model, 16)
    mask_connections(model, masks)
    before = {variable.path: variable.numpy() for variable in model.trainable_variables}
    model.compile(keras.optimizers.AdamW(1e-2), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    for variable in model.trainable_variables:
        value = variable.numpy()
        if variable.path in masks:
            mask = masks[variable.path]
            assert not value[~mask].any()
            assert (value[mask] != before[variable.path][mask]).mean() > 0.9
        assert (value != before[variable.path]).any()


@once
def test_invalid_arguments():
    model = small_model()
    attention, stream, mlp = measured()
    with pytest.raises(ValueError, match=r"`stream` must be .* Received: unit='mlp_node'"):
        connection_masks(model, attention, mlp, mlp)
    short = Performance("mlp_node", mlp.blocks[:1], {})
    with pytest.raises(ValueError, match=r"`mlp` must be .* blocks=\[0\]"):
        connection_masks(model, attention, stream, short)
    with pytest.raises(ValueError, match=r"Received: mask 'none' of shape \(2, 2\), for .* None"):
        mask_connections(model, {"none": np.ones((2, 2), bool)})
