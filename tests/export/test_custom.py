"""Keras models around a zoo model: an own head, a clone, other layers first; and refusals."""

import json

import keras
import numpy as np
import pytest

from cctzoo import data, export, models
from cctzoo.export.artifact import metadata
from cctzoo.export.convert import in_float32
from cctzoo.export.inputs import as_inputs, randomise_vectors
from cctzoo.prediction import predict
from cctzoo.runtimes import load_runner
from tests.export.sample import once
from tests.models.small import small_model

VIEW = data.View(crop_pct=0.7)
torch_only = pytest.mark.one_backend("torch")


def with_head(backbone, first=None):
    """A functional model of a backbone without a classifier, and a head of two layers."""
    image = keras.Input(backbone.input_shape[1:], name="photo", dtype=backbone.inputs[0].dtype)
    x = backbone(image if first is None else first(image))
    x = keras.layers.Dense(6, activation="relu")(x)
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(x), name="own")
    randomise_vectors(model)
    return model


def headless(**changes):
    return small_model(include_top=False, pooling="sequence", **changes)


@once
def test_formats_of_tensorflow(tmp_path):
    model = with_head(headless())
    report = export.to_litert(model, tmp_path / "model.tflite", class_names=["cat", "dog"])
    assert report.partitions == 1
    assert report.max_difference <= 1e-5
    assert report.top1_agreement is None
    about = json.loads((tmp_path / "model.tflite.json").read_text())
    assert (about["name"], about["output"], about["config"]) == ("own", "custom", None)
    with pytest.raises(ValueError, match="what the outputs of another head mean is not known"):
        predict(tmp_path / "model.tflite", np.zeros((1, 12, 16, 3)))
    clone = keras.models.clone_model(headless())
    assert export.to_saved_model(clone, tmp_path / "saved").max_difference <= 1e-5
    assert load_runner(tmp_path / "saved")(np.zeros((3, 12, 16, 3))).shape == (3, 24)


@torch_only
def test_metadata_of_a_backbone_with_a_head():
    model = in_float32(with_head(headless(view=VIEW, mean=0.4)))
    about = metadata(model, ["cat", "dog"])
    assert about["input"] == metadata(headless(view=VIEW, mean=0.4), None)["input"]
    assert about["input"]["view"]["crop_pct"] == 0.7
    assert (about["output"], about["decision"]) == ("custom", None)
    assert about["class_names"] == ["cat", "dog"]
    with pytest.raises(ValueError, match=r"Received: 3 names, an output of shape \(None, 2\)"):
        metadata(model, ["a", "b", "c"])


@torch_only
@pytest.mark.parametrize("name", ["clone", "own output layer", "Sequential"])
def test_metadata_of_layers_of_a_zoo_model(name):
    """A clone is a functional model of the same layers, without a config: the view is lost."""
    backbone = headless(view=VIEW)
    model = {
        "clone": keras.models.clone_model,
        "own output layer": lambda m: keras.Model(m.input, keras.layers.Dense(2)(m.output)),
        "Sequential": lambda m: keras.Sequential([keras.Input(m.input_shape[1:]), m]),
    }[name](backbone)
    inputs = metadata(in_float32(model), None)["input"]
    assert inputs["values"] == "0 to 255"
    assert (inputs["view"] is None) == (name != "Sequential")


@torch_only
def test_layers_before_the_backbone():
    """What their input means is not known: nothing warns of its range."""
    backbone = headless(view=VIEW)
    model = in_float32(with_head(backbone, keras.layers.Rescaling(255.0)))
    assert metadata(model, None)["input"] == {
        "shape": [12, 16, 3],
        "view": None,
        "values": "not known",
    }
    assert model.config.kind == "arrays"


@torch_only
def test_texts():
    backbone = models.text_cct(
        vocabulary=("a", "b"), length=6, include_top=False, pooling="avg", depth=1, embed_dim=16
    )
    model = in_float32(with_head(backbone))
    words = ["a", "b c"]
    np.testing.assert_array_equal(as_inputs(model, words, "x"), backbone.vocabulary(words))
    clone = in_float32(keras.models.clone_model(backbone))
    assert metadata(clone, None)["input"]["padding"] == backbone.config.padding_id
    with pytest.raises(ValueError, match="from 0 to vocabulary_size - 1 = 3"):
        as_inputs(clone, [[4] * 6], "x")


@torch_only
def test_a_committee_inside():
    committee = models.soft_committee([small_model(view=VIEW), small_model(view=VIEW)])
    model = keras.Sequential([committee, keras.layers.Dense(3)])
    assert metadata(in_float32(model), None)["input"] == metadata(committee, None)["input"]


@torch_only
def test_refused_models():
    two = keras.Input((12, 16, 3)), keras.Input((12, 16, 3))
    backbone = headless()
    cases = {
        "one output": keras.Model(two, keras.layers.Add()([backbone(x) for x in two])),
        "or its layers": keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]),
        "Received: bfloat16": with_head(small_model(include_top=False, dtype="mixed_bfloat16")),
    }
    for message, model in cases.items():
        with pytest.raises(ValueError, match=message):
            in_float32(model)
