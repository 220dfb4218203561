"""Perceptrons with a depthwise convolution, in everything that walks a model."""

import keras
import numpy as np
import pytest

from cctzoo import analysis, export, models, weights
from cctzoo.models.variants import change_config
from cctzoo.runtimes import load_runner
from tests.layers.contract import array, randomise
from tests.models.files import check_files
from tests.models.small import images, predict, small_model

FIELDS = {"mlp_kind": "depthwise", "depth": 3, "heads": 4, "embed_dim": 24}


def image_model(**changes):
    model = small_model(**FIELDS | changes)
    randomise_convolutions(model)
    return model


def text_model(**changes):
    sizes = {"length": 8, "vocabulary_size": 20, "word_dim": 6, "classes": 5}
    model = models.text_cct_2_k2(**sizes | FIELDS | changes)
    randomise_convolutions(model)
    return model


def randomise_convolutions(model):
    for layer in model.layers:
        if layer.name.startswith("block"):
            randomise(layer.convolution)


def test_padding_of_texts_has_no_effect():
    """A short text gives the same in a model for shorter texts, without any padding."""
    ids = np.random.default_rng(0).integers(2, 20, (3, 4))
    model = text_model(positional_embedding=None)
    short = text_model(positional_embedding=None, length=4)
    short.set_weights(model.get_weights())
    padded = np.pad(ids, ((0, 0), (0, 4)), constant_values=model.config.padding_id)
    np.testing.assert_allclose(predict(model, padded), predict(short, ids), atol=1e-5)


@pytest.mark.parametrize("make", [image_model, text_model])
def test_costs(make):
    model = make()
    config = model.config
    dense = models.multiply_accumulates(change_config(config, mlp_kind="dense"))
    side = 9 if config.kind == "images" else 3
    hidden = int(config.embed_dim * config.mlp_ratio)
    assert models.multiply_accumulates(config) - dense == 3 * config.tokens * hidden * side


def test_files_and_other_image_sizes(tmp_path):
    path = check_files(image_model(), tmp_path, ["block00", "block02"])
    dense = small_model(depth=3, heads=4, embed_dim=24)
    with pytest.raises(ValueError, match="mlp_kind='depthwise'"):
        weights.load_weights(dense, path)


@pytest.mark.parametrize("make", [image_model, text_model])
def test_gates_pruning_and_committee(make):
    from cctzoo.analysis.heads.gates import gated_model

    model = make()
    texts = model.config.kind == "texts"
    x = np.random.default_rng(0).integers(1, 20, (3, 8)) if texts else images(model)
    expected = predict(model, x)
    ones = [np.ones((len(x), 1, 4), "float32")] * 3
    logits = gated_model(model)([x, *ones])
    np.testing.assert_allclose(array(keras.ops.softmax(logits)), expected, atol=1e-5)
    pruned = analysis.prune_heads(model, {0: [1], 2: [0, 3]})
    assert pruned.config.mlp_kind == "depthwise"
    committee = models.soft_committee([model, pruned])
    mean = (expected + predict(pruned, x)) / 2
    np.testing.assert_allclose(predict(committee, x), mean, atol=1e-5)


def test_a_class_token_has_no_place_on_the_map():
    with pytest.raises(ValueError, match="mlp_kind='depthwise', family='vit'"):
        models.vit_2_4_32(mlp_kind="depthwise")


@pytest.mark.one_backend("tensorflow")
@pytest.mark.parametrize("make", [image_model, text_model])
def test_an_exported_graph_has_one_convolution_per_block(make, tmp_path):
    model = make()
    x = images(model) if make is image_model else np.random.default_rng(0).integers(1, 20, (3, 8))
    dense = models.CCT(change_config(model.config, mlp_kind="dense"))
    reports = [
        export.to_litert(each, tmp_path / f"{name}.tflite")
        for name, each in {"dense": dense, "depthwise": model}.items()
    ]
    counts = [report.operators.get("DEPTHWISE_CONV_2D", 0) for report in reports]
    assert counts == [0, 3]
    assert [report.partitions for report in reports] == [1, 1]
    extra = sum(reports[1].operators.values()) - sum(reports[0].operators.values())
    assert extra <= 3 * 5  # the convolution, two reshapes, and two for the mask of a text
    outputs = load_runner(tmp_path / "depthwise.tflite")(x)
    np.testing.assert_allclose(outputs, predict(model, x), atol=1e-5)
