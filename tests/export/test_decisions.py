"""Exports of binary and multi-label models, and of models without a classifier, are compared."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest

from cctzoo import models
from cctzoo.export import ExportError, ExportReport
from cctzoo.export.artifact import metadata
from cctzoo.export.report import check_samples, compare, require_parity
from tests.models.small import images, small_config, small_model

pytestmark = pytest.mark.one_backend("torch")


def model_of(outputs, activation):
    """A model of 4 samples with these outputs."""
    config = small_config(classes=outputs.shape[1], classifier_activation=activation)
    shape = (None, *config.input_shape)
    return SimpleNamespace(config=config, input_shape=shape, predict=lambda x, **_: outputs)


ONE = np.array([[0.1], [0.4], [0.6], [0.9]], "float32")
TWO = np.concatenate([ONE, 1 - ONE], axis=1)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_binary_export(shape):
    """The artifact takes the third sample for 0, and Keras takes the second for 0."""
    got = np.array([[0.1], [0.6], [0.4], [0.9]], "float32")
    model = model_of(ONE, "sigmoid")
    x, y = check_samples(model, images(model, 4), np.array([0, 1, 1, 1]).reshape(shape))
    found = compare(model, lambda _: got, x, y, real=True)
    assert found["decision"] == "threshold"
    assert found["top1_agreement"] == 1 / 2
    assert (found["accuracy"], found["keras_accuracy"]) == (3 / 4, 3 / 4)
    report = ExportReport("m", "litert", "int8", 1, **found)
    assert "agreement of the labels 50.00%" in str(report)
    with pytest.raises(ExportError, match=r"Keras model's labels .*top1_agreement=50\.00%"):
        require_parity(report)
    logits = model_of(ONE - 0.5, None)
    assert compare(logits, lambda _: got - 0.5, x, y, True)["top1_agreement"] == 1 / 2


@pytest.mark.parametrize(
    ("samples", "differing", "least", "accepted"),
    [
        (48, 1, 0.98, True),  # 97.9 %
        (48, 2, 0.98, False),
        (10, 1, 0.98, True),
        (9, 1, 0.98, False),
        (48, 1, 1.0, False),
        (200, 4, 0.98, True),
        (200, 5, 0.98, False),
        (48, 0, 1.0, True),
    ],
)
def test_one_of_few_samples_may_differ(samples, differing, least, accepted):
    agreement = float(np.mean(np.arange(samples) >= differing))
    report = ExportReport("m", "litert", "int8", 1, 0.1, samples, agreement)
    expected = (
        contextlib.nullcontext() if accepted else pytest.raises(ExportError, match=str(samples))
    )
    with expected:
        require_parity(report, least)


def test_multi_label_export():
    got = TWO.copy()
    got[0, 1] = 0.3
    model = model_of(TWO, "sigmoid")
    labels = (TWO > 0.5).astype(int)
    x, y = check_samples(model, images(model, 4), labels)
    found = compare(model, lambda _: got, x, y, real=True)
    assert found["top1_agreement"] == found["accuracy"] == 7 / 8
    assert found["keras_accuracy"] == 1
    with pytest.raises(ValueError, match=r"each of the 2 outputs.*shape \(4,\)"):
        check_samples(model, x, [0, 1, 1, 0])


def test_features_have_no_agreement():
    model = small_model(include_top=False)
    x = images(model, 2)
    with pytest.raises(ValueError, match="`labels` need a model with a classifier"):
        check_samples(model, x, [0, 1])
    found = compare(model, lambda x: model.predict(x, verbose=0), x, None, real=True)
    assert found["max_difference"] < 1e-5
    assert found["decision"] is None
    assert "top1_agreement" not in found
    assert found["feature_similarity"] == pytest.approx(1)


FEATURES = np.array([[[3.0, 4.0]], [[0.0, 0.0]]], "float32")  # the second sample has no direction


@pytest.mark.parametrize(
    ("got", "similarity"),
    [
        (2 * FEATURES, 1),
        (FEATURES[..., ::-1], 0.98),
        (-FEATURES, 0),
        (np.add(FEATURES, [4, -4]), 0.3),
    ],
)
def test_features_are_compared_by_their_cosine(got, similarity):
    model = small_model(include_top=False)
    fake = SimpleNamespace(config=model.config, predict=lambda x, **_: FEATURES)
    found = compare(fake, lambda _: got, images(model, 2), None, real=False)
    assert found["feature_similarity"] == pytest.approx(similarity, abs=1e-3)
    report = ExportReport("m", "litert", "dynamic_int8", 1, **found)
    assert f"cosine similarity of the features {found['feature_similarity']:.4f}" in str(report)
    require_parity(report, found["feature_similarity"])
    with pytest.raises(ExportError, match=r"cosine similarity of at least .*feature_similarity="):
        require_parity(report, found["feature_similarity"] + 0.001)


@pytest.mark.parametrize(
    ("scale", "difference", "accepted"),
    [
        (0.5, 9e-5, True),
        (0.5, 2e-4, False),
        (1e4, 0.9, True),
        (1e4, 2, False),
        (1e4, np.nan, False),
    ],
)
def test_the_tolerance_of_float32_grows_with_the_outputs(scale, difference, accepted):
    model = model_of(scale * TWO / TWO.max(), None)
    outputs = model.predict(None)
    found = compare(model, lambda _: outputs + difference, np.zeros(4), None, real=False)
    report = ExportReport("m", "litert", "float32", 1, **found)
    expected = (
        contextlib.nullcontext() if accepted else pytest.raises(ExportError, match="max_output=")
    )
    with expected:
        require_parity(report)


def test_metadata_say_how_outputs_become_decisions():
    cases = [
        ({}, "probabilities", "top1"),
        ({"classifier_activation": None}, "logits", "top1"),
        ({"classifier_activation": "sigmoid"}, "probabilities", "threshold"),
        ({"classifier_activation": None, "classes": 1}, "logits", "threshold"),
        ({"include_top": False}, "features", None),
    ]
    for changes, output, decision in cases:
        found = metadata(small_model(**changes), None)
        assert (found["output"], found["decision"]) == (output, decision)
    binary = small_model(classes=1, classifier_activation="sigmoid")
    for names, negative in ((["ok", "defect"], "ok"), (["defect"], None)):
        found = metadata(binary, names)
        assert (found["class_names"], found["negative_class_name"]) == (["defect"], negative)


@pytest.mark.parametrize("activation", ["sigmoid", None])
def test_a_committee_refuses_binary_members(activation):
    member = small_model(classes=1, classifier_activation=activation)
    with pytest.raises(ValueError, match=f"classifier_activation={activation!r}, classes=1"):
        models.soft_committee([member])
