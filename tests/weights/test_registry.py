"""The registry of trained weights, and the accuracy of those in the package."""

import hashlib
import re
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest

import cctzoo
from cctzoo import data, models, training
from cctzoo.weights import describe, fetch, list_weights, save_pytorch_checkpoint
from cctzoo.weights.published_classes import PUBLISHED_CLASSES
from cctzoo.weights.registry import PACKAGED, WEIGHTS
from cctzoo.weights.source import locate_weights
from tests.models.small import images, predict

once = pytest.mark.one_backend("torch")  # the accuracy is checked on each backend
SHIPPED = [tag for tag, row in WEIGHTS.items() if row.url is None]
FOLDER = "https://shi-labs.com/projects/cct/checkpoints/"
PUBLISHED = {
    "pretrained/cct_7_3x1_32_cifar10_300epochs": ("cct_7_3x1_32", 10),
    "pretrained/cct_7_3x1_32_sine_cifar10_5000epochs": ("cct_7_3x1_32_sine", 10),
    "pretrained/cct_7_3x1_32_cifar100_300epochs": ("cct_7_3x1_32", 100),
    "pretrained/cct_7_3x1_32_sine_cifar100_5000epochs": ("cct_7_3x1_32_sine", 100),
    "pretrained/cct_7_7x2_224_flowers102": ("cct_7_7x2_224_sine", 102),
    "pretrained/cct_14_7x2_224_imagenet": ("cct_14_7x2_224", 1000),
    "finetuned/cct_14_7x2_384_imagenet": ("cct_14_7x2_384", 1000),
    "finetuned/cct_14_7x2_384_flowers102": ("cct_14_7x2_384", 102),
}


@once
def test_checkpoints_of_the_authors():
    rows = [row for row in WEIGHTS.values() if row.url]
    found = {row.url: (row.model, row.config.classes) for row in rows}
    assert found == {f"{FOLDER}{name}.pth": about for name, about in PUBLISHED.items()}
    assert len({row.path for row in rows}) == 8
    for row in rows:
        assert row.config.positional_embedding == "learnable"
        assert row.config.include_preprocessing
        assert "not verified here" in describe(row.tag)
        assert row.sha256 is None
        assert "not known" in describe(row.tag)


@once
@pytest.mark.parametrize("tag", SHIPPED)
def test_shipped_files(tag):
    row = WEIGHTS[tag]
    content = row.path.read_bytes()
    assert len(content) == row.size <= 8e6
    assert hashlib.sha256(content).hexdigest() == row.sha256
    card = row.path.with_suffix(".md").read_text()
    front, _, text = card.removeprefix("---\n").partition("\n---\n")
    assert "license: apache-2.0" in front
    assert f"# {tag}\n" in text
    assert f"{100 * row.accuracy:.2f} %" in text
    for word in ("Data", "Recipe", "Accuracy", "Machine", "seed", "epochs"):
        assert word in text
    assert fetch(tag) == row.path
    for word in (tag, row.sha256, f"{row.size:,} bytes", f"{row.accuracy:.2%}", "Apache-2.0"):
        assert word in describe(tag)


@once
def test_all_shipped_files_are_listed_and_packaged():
    names = {path.name for path in PACKAGED.iterdir()}
    assert names == {f"{tag}{suffix}" for tag in SHIPPED for suffix in (".safetensors", ".md")}
    assert sum(path.stat().st_size for path in PACKAGED.iterdir()) < 30e6
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert "cctzoo" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_digits_are_as_accurate_as_stated():
    dataset = data.load("digits", validation=0.0)
    model = models.cct_2_3x2_32(weights="digits")
    probabilities = training.predict(model, dataset.x_test, 359)
    accuracy = (probabilities.argmax(1) == dataset.y_test).mean()
    assert accuracy == pytest.approx(WEIGHTS["cct_2_3x2_32.digits"].accuracy, abs=5e-5)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


@once
def test_defaults_are_those_of_the_weights():
    model = models.cct_2_3x2_32(weights="digits")
    assert model.input_shape == (None, 16, 16, 1)
    assert model.config.classes == 10
    assert model.config.classifier_activation == "softmax"
    assert model.name == "cct_2_3x2_32"
    model = models.create_model("cct_conv", weights="cct_conv.cifar10_10k", name="mine")
    assert (model.config.embed_dim, model.config.heads, model.name) == (128, 64, "mine")


@once
def test_other_images_classes_and_no_top(caplog):
    model = models.cct_2_3x2_32(
        weights="digits", input_shape=(24, 32, 3), classes=4, classifier_activation=None
    )
    assert caplog.messages == [
        "weights: fresh classifier for 4 classes",
        "weights: first kernel repeated for channels, 1 -> 3",
        "weights: position embedding resized (4, 4) -> (6, 8)",
    ]
    assert predict(model, images(model)).shape == (3, 4)
    bare = models.cct_2_3x2_32(weights="digits", include_top=False)
    whole = models.cct_2_3x2_32(weights="digits")
    maps = models.feature_extractor(whole, ["norm", "attention01"])
    x = images(whole)
    found = predict(maps, x)
    np.testing.assert_allclose(predict(bare, x), found["norm"], atol=1e-5)
    assert found["attention01"].shape == (3, 2, 16, 16)


@once
def test_every_row_names_a_model_and_a_data_set():
    for tag, row in WEIGHTS.items():
        assert row.model in models.list_models()
        assert row.config.classes > 1
        data.check_name(row.dataset)
        assert tag == f"{row.model}.{row.name}"


@once
@pytest.mark.parametrize("tag", SHIPPED)
def test_shipped_models_know_their_classes(tag):
    row = WEIGHTS[tag]
    names = row.config.class_names
    assert len(names) == row.config.classes
    model = models.create_model(row.model, weights=row.name)
    assert model.config.class_names == names
    assert f"classes:                 {', '.join(names)}" in describe(tag)
    (prediction,) = cctzoo.predict(model, np.zeros(model.input_shape[1:], "uint8"), top=None)
    assert set(prediction.classes) == set(names)


@once
def test_published_classes():
    """CIFAR-100's fine labels are in alphabetical order, as in its file `meta`."""
    for tag, row in WEIGHTS.items():
        if row.dataset in PUBLISHED_CLASSES:
            assert row.config.class_names == PUBLISHED_CLASSES[row.dataset], tag
    for names in PUBLISHED_CLASSES.values():
        assert list(names) == sorted(names)
    assert [len(names) for names in PUBLISHED_CLASSES.values()] == [10, 100]


@once
def test_lists():
    assert models.list_models(weights=True) == list_weights() == list(WEIGHTS)
    assert models.list_models("cct_conv", weights=True) == ["cct_conv.cifar10_10k"]
    assert models.list_models("vit_*", weights=True) == []
    assert locate_weights("cifar10", "cct_2_3x2_32").tag == "cct_2_3x2_32.cifar10"


@once
@pytest.mark.parametrize(
    ("variant", "weights", "words"),
    [
        ("cct_2_3x2_32", "imagenet", ["cct_2_3x2_32.digits, cct_2_3x2_32.cifar10", "'imagenet'"]),
        ("cct_2_3x2_32", "cct_conv.cifar10_10k", ["Received: weights='cct_conv.cifar10_10k'"]),
        ("vit_2_4_32", "cifar10", ["Tags of 'vit_2_4_32': none", "weights='cifar10'"]),
        ("cct_2_3x2_32", "folder/none.pth", ["file that exists", "'folder/none.pth'"]),
        ("cct_2_3x2_32", "some/file.h5", [".pth", "'some/file.h5'"]),
    ],
)
def test_unknown_weights(variant, weights, words):
    with pytest.raises(ValueError, match="`weights` must be") as error:
        models.create_model(variant, weights=weights)
    for word in words:
        assert word in str(error.value)


@once
@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"heads": 16}, "Received: heads=16"),
        ({"depth": 3}, "depth=3"),
        ({"head_dim": 32}, "head_dim=(32, 32)"),
        ({"norm": "pre"}, "norm='pre'"),
        ({"heds": 2}, "Received: heds=2"),
    ],
)
def test_changes_that_do_not_fit_the_weights(changes, received):
    with pytest.raises(ValueError, match=re.escape(received)):
        models.cct_2_3x2_32(weights="digits", **changes)


@once
def test_describe_an_unknown_tag():
    with pytest.raises(ValueError, match=r"cct_2_3x2_32\.digits.*Received: tag='digits'"):
        describe("digits")


@once
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".keras", ".weights.h5"])
def test_paths_in_factories(suffix, tmp_path):
    source = models.cct_2_3x2_32(weights="digits")
    path = tmp_path / f"a{suffix}"
    if suffix == ".keras":
        source.save(path)
    elif suffix == ".weights.h5":
        source.save_weights(path)
    else:
        save_pytorch_checkpoint(source, path)
    like = {name: getattr(source.config, name) for name in ("input_shape", "classes")}
    like |= {name: getattr(source.config, name) for name in ("mean", "std")}
    for weights in (path, str(path)):
        model = models.cct_2_3x2_32(weights=weights, **like)
        for weight, expected in zip(model.get_weights(), source.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)


@once
def test_policies():
    model = models.cct_2_3x2_32(weights="digits", dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(model.weights[0].dtype) == "float32"
    assert model.dtype_policy.compute_dtype == "bfloat16"
