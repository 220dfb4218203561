"""Positions of each block (LaPE) against NumPy, and in everything that walks a model."""

import keras
import numpy as np
import pytest

from cctzoo import analysis, export, models, weights
from cctzoo.runtimes import load_runner
from tests.layers.contract import array
from tests.models.files import check_files
from tests.models.small import images, predict, small_model

B, D = 3, 24


def layer_model(**changes):
    """Three blocks with scales and offsets of the positions that are not those of the start."""
    fields = {"positional_join": "layer", "depth": 3, "heads": 4, "embed_dim": D}
    model = small_model(**fields | changes)
    generator = np.random.default_rng(5)
    for layer in model.layers:
        if layer.name.startswith("position_norm"):
            layer.set_weights(
                [generator.normal(1, 0.3, (2, D)).astype("float32")[i] for i in (0, 1)]
            )
    return model


def normalised(x, gamma, beta):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gamma + beta


@pytest.mark.parametrize("changes", [{}, {"positional_embedding": "sine"}, {"conv_prefix": 1}])
def test_blocks_equal_numpy(changes):
    """The stream has no positions; each block gets the normalised ones of the block before."""
    model = layer_model(**changes)
    blocks = [layer.name for layer in model.layers if layer.name.startswith("block")]
    start = "dropout"
    found = predict(models.feature_extractor(model, [start, *blocks]), images(model))
    found = {name: x.reshape(B, -1, D) for name, x in found.items()}
    tokens = predict(models.feature_extractor(model, ["tokens"]), images(model))["tokens"]
    np.testing.assert_array_equal(found[start], tokens.reshape(B, -1, D))
    position = np.asarray(array(model.get_layer("position").embedding))
    for name in blocks:
        block = model.get_layer(name)
        position = normalised(position, *model.get_layer(f"position_norm{name[5:]}").get_weights())
        x = found[start]
        attended = array(block.attention(array(block.attention_norm(x)) + position))
        stream = array(block.mlp_norm(x + attended))
        hidden = block.contract(keras.ops.gelu(block.expand(stream), approximate=False))
        np.testing.assert_allclose(found[name], stream + array(hidden), atol=1e-5)
        start = name


def test_permuted_tokens_with_their_positions():
    model = layer_model(norm="pre")
    block, position = model.get_layer("block01"), model.get_layer("position").embedding
    x = np.random.default_rng(1).normal(size=(B, position.shape[1], D)).astype("float32")
    order = np.random.default_rng(2).permutation(position.shape[1])
    position = array(position)
    expected = array(block(x, position=position))[:, order]
    np.testing.assert_allclose(
        array(block(x[:, order], position=position[:, order])), expected, atol=1e-5
    )
    assert np.abs(array(block(x)) - array(block(x, position=position))).max() > 1e-4


def test_files_and_other_image_sizes(tmp_path):
    path = check_files(layer_model(), tmp_path, ["position_norm00", "position_norm02"])
    stream = small_model(depth=3, heads=4, embed_dim=D)
    with pytest.raises(ValueError, match="positional_join='layer'"):
        weights.load_weights(stream, path)


@pytest.mark.parametrize(
    "kind", ["images", pytest.param("texts", marks=pytest.mark.one_backend("torch"))]
)
def test_gates_pruning_and_committee(kind):
    from cctzoo.analysis.heads.gates import block_input, gated_model

    fields = {"positional_join": "layer", "depth": 3, "heads": 4, "embed_dim": D}
    if kind == "images":
        model = small_model(**fields)
        x = images(model)
    else:
        model = models.text_cct_2_k2(length=8, vocabulary_size=20, word_dim=6, classes=5, **fields)
        x = np.random.default_rng(0).integers(1, 20, (B, 8))
    expected = predict(model, x)
    softmax = keras.ops.softmax
    ones = [np.ones((B, 1, 4), "float32")] * 3
    np.testing.assert_allclose(array(softmax(gated_model(model)([x, *ones]))), expected, atol=1e-5)
    entry = block_input(model, 1)(x)
    assert len(entry) == (1 if kind == "images" else 2)
    rest = gated_model(model, start=1)([*entry, *ones[1:]])
    np.testing.assert_allclose(array(softmax(rest)), expected, atol=1e-5)
    pruned = analysis.prune_heads(model, {0: [1], 2: [0, 3]})
    assert pruned.config.block_heads == (1, 4, 2)
    assert pruned.config.positional_join == "layer"
    committee = models.soft_committee([model, pruned])
    mean = (expected + predict(pruned, x)) / 2
    np.testing.assert_allclose(predict(committee, x), mean, atol=1e-5)


def test_positions_are_no_features():
    names = models.feature_names(layer_model())
    assert not [name for name in names if name.startswith("position")]
    assert "position" in models.feature_names(small_model())


def test_positions_stay_float32_in_mixed_precision():
    model = layer_model(dtype="mixed_bfloat16")
    for layer in model.layers:
        if layer.name.startswith("position"):
            assert layer.compute_dtype == "float32"
    plain = layer_model()
    plain.set_weights(model.get_weights())
    x = images(model)
    np.testing.assert_allclose(predict(model, x), predict(plain, x), atol=0.05)


def test_it_needs_positions():
    with pytest.raises(ValueError, match="positional_join='layer', positional_embedding=None"):
        small_model(positional_join="layer", positional_embedding=None)


@pytest.mark.one_backend("tensorflow")
@pytest.mark.parametrize("attention", ["softmax", "polynomial"])
def test_an_exported_graph_has_one_more_operator_per_block(attention, tmp_path):
    reports = []
    for join in ("stream", "layer"):
        model = small_model(
            depth=3, heads=4, embed_dim=D, attention=attention, positional_join=join
        )
        path = tmp_path / f"{join}.tflite"
        reports.append(export.to_litert(model, path))
        np.testing.assert_allclose(
            load_runner(path)(images(model)), predict(model, images(model)), atol=1e-5
        )
    assert [report.partitions for report in reports] == [1, 1]
    before, after = (sum(report.operators.values()) for report in reports)
    assert after - before == 3 - 1  # one addition for each block, and none before them
