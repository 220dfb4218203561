"""A soft committee is exported and timed like any other model."""

import json
import zipfile

import keras
import numpy as np
import pytest

from cctzoo import export, models
from cctzoo.runtimes import load_runner
from tests.export.sample import convert_once, once, spread

SHAPE, CLASSES = (16, 12, 3), 7


def member(name, variant="cct_2_3x1_32", **changes):
    options = {"input_shape": SHAPE, "classes": CLASSES, "depth": 1, **changes}
    return spread(models.create_model(variant, name=name, **options))


@pytest.fixture(scope="module")
def members():
    keras.utils.set_random_seed(0)
    return [
        member("many", heads=16, mean=0.4),
        member("prefix", depth=2, conv_prefix=1, prefix_kind="depthwise", dtype="mixed_bfloat16"),
        member("many", "vit_2_4_32", classifier_activation=None),
    ]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (40, *SHAPE)).astype("uint8")


@pytest.fixture
def exported(members, images, tmp_path, monkeypatch, graph):
    """Exports a committee that averages probabilities; all exports share one conversion."""
    convert_once(monkeypatch, graph)

    def exported(precision="float32"):
        path = tmp_path / f"{precision}.tflite"
        committee = models.soft_committee(members)
        return export.to_litert(committee, path, precision, samples=images, calibration=images)

    return exported


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    return tmp_path_factory.mktemp("graph") / "float32.tflite"


def in_float32(members):
    """The members as they are exported: their mixed precision is not."""
    copies = [models.CCT(m.config, name=m.name, dtype="float32") for m in members]
    for copy, own in zip(copies, members, strict=True):
        copy.set_weights(own.get_weights())
    return copies


@once
def test_litert(members, images, exported):
    report = exported()
    path = report.path
    assert report.partitions == 1
    assert report.max_difference <= 1e-5
    outputs = load_runner(path)(images)
    np.testing.assert_allclose(outputs.sum(-1), 1, atol=1e-5)
    expected = models.soft_committee(in_float32(members)).predict(images, verbose=0)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    about = json.loads(zipfile.ZipFile(path).read("metadata.json"))
    assert (about["name"], about["output"]) == ("soft_committee", "probabilities")
    assert about["input"]["values"] == "0 to 255"
    assert (about["input"]["mean"], about["input"]["std"]) == (None, 0.5)
    configs = tuple(models.CCTConfig(**config) for config in about["config"]["members"])
    assert configs == models.soft_committee(members).config.members


@once
@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_litert_export_of_logits(members, images, tmp_path, average):
    committee = models.soft_committee(members, average, [1, 2, 4], classifier_activation=None)
    report = export.to_litert(committee, tmp_path / "model.tflite", samples=images)
    assert (report.partitions, report.top1_agreement) == (1, 1)
    assert report.max_difference <= 1e-5
    about = json.loads((tmp_path / "model.tflite.json").read_text())
    assert about["output"] == "logits"


@once
@pytest.mark.parametrize(("precision", "size"), [("dynamic_int8", 0.5), ("int8", 0.55)])
def test_quantised(exported, precision, size):
    whole, report = exported(), exported(precision)
    assert report.partitions == 1
    assert 0 < report.max_difference < 0.1
    assert report.bytes < size * whole.bytes


@once
def test_saved_model(members, images, tmp_path):
    committee = models.soft_committee(members)
    report = export.to_saved_model(committee, tmp_path / "saved", images)
    assert report.max_difference <= 1e-5
    expected = models.soft_committee(in_float32(members)).predict(images[:3], verbose=0)
    got = load_runner(tmp_path / "saved")(images[:3])
    np.testing.assert_allclose(got, expected, atol=1e-5)
