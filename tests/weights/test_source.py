"""Weights from tags, files and folders, as one object."""

import re

import numpy as np
import pytest

from cctzoo import models
from cctzoo.formats.safetensors import write_safetensors
from cctzoo.models import soft_committee
from cctzoo.weights import (
    open_weights,
    save_pytorch_checkpoint,
    save_to_folder,
    save_weights,
    state_dict,
)
from cctzoo.weights.source import locate_weights
from tests.models.small import small_model
from tests.weights.notices import adaptations

once = pytest.mark.one_backend("torch")  # `test_all_sources...` loads on each backend
DESCRIBED = ("a.keras", "a.safetensors", "folder", "authors.safetensors")
WEIGHTS_ONLY = ("a.pth", "a.pt", "foreign.safetensors", "a.weights.h5")
TAG = "cct_2_3x2_32.digits"
LINES = {
    "none.pth": "",
    "none.keras": "",
    "none/folder": "",
    "some.zip": "",
    "cct_2_3x2_32.digit": f"Did you mean: {TAG}?",
}


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    model.save(folder / "a.keras")
    model.save_weights(folder / "a.weights.h5")
    save_weights(model, folder / "a.safetensors")
    save_to_folder(model, folder / "folder")
    for name in ("a.pth", "a.pt", "authors.safetensors"):
        save_pytorch_checkpoint(model, folder / name)
    write_safetensors(state_dict(model), folder / "foreign.safetensors", {"format": "pt"})
    return folder


def assert_equal_weights(model, expected):
    for weight, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


@once
@pytest.mark.parametrize("name", DESCRIBED)
def test_sources_with_a_config_build_their_model(name, model, folder):
    with open_weights(folder / name) as source:
        assert source.config == model.config
        built = source.build()
    assert (built.config, built.name) == (model.config, "small")
    assert_equal_weights(built, model)


@pytest.mark.parametrize("name", [*DESCRIBED, *WEIGHTS_ONLY])
def test_all_sources_load_into_a_model(name, model, folder):
    other = small_model()
    with open_weights(str(folder / name)) as source:
        source.load_into(other)
    assert_equal_weights(other, model)


@once
@pytest.mark.parametrize("name", WEIGHTS_ONLY)
def test_sources_without_a_config_cannot_build(name, folder):
    with open_weights(folder / name) as source:
        assert source.config is None
        with pytest.raises(ValueError, match=re.escape(f"Received: path='{folder / name}'")):
            source.build()


@once
@pytest.mark.parametrize("name", [*DESCRIBED, *WEIGHTS_ONLY[:-1]])
def test_weights_are_adapted_to_other_classes(name, model, folder, caplog):
    with open_weights(folder / name) as source:
        if source.config is None:
            other = small_model(classes=7)
            source.load_into(other)
        else:
            other = source.build(classes=7)
    assert other.config.classes == 7
    assert adaptations(caplog) == ["weights: fresh classifier for 7 classes"]
    for weight, expected in zip(
        other.get_layer("block01").get_weights(),
        model.get_layer("block01").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(weight, expected)


@once
@pytest.mark.parametrize("name", DESCRIBED)
def test_other_numbers_of_heads_are_refused(name, folder):
    """Their weights have the same shapes, but another meaning."""
    with open_weights(folder / name) as source:
        with pytest.raises(ValueError, match=re.escape("Received: heads=4")):
            source.build(heads=4)
        with pytest.raises(ValueError, match=re.escape("Received: heads=4")):
            source.load_into(small_model(heads=4))


@once
def test_unknown_keywords_are_refused(folder):
    with (
        open_weights(folder / "folder") as source,
        pytest.raises(ValueError, match="Received: heds=2"),
    ):
        source.build(heds=2)


@once
def test_tags():
    for tag in (TAG, "digits"):
        with open_weights(tag, "cct_2_3x2_32") as source:
            assert (source.row.tag, source.name) == (TAG, "cct_2_3x2_32")
            assert source.config.input_shape == (16, 16, 1)
    with open_weights(TAG, "cct_conv") as source:  # the model completes a tag, nothing else
        assert source.row.tag == TAG
    for model in (None, "cct_conv"):
        with pytest.raises(ValueError, match="Received: weights='digits'"):
            open_weights("digits", model)


@once
def test_published_weights_are_not_downloaded_before_they_are_needed(tmp_path, monkeypatch):
    """Wrong arguments are found without a download."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    with open_weights("cct_7_3x1_32.cifar10_300epochs") as source:
        assert source.config.mean == (0.4914, 0.4822, 0.4465)
        with pytest.raises(ValueError, match="Received: heads=8"):
            source.build(heads=8)
    assert not (tmp_path / "home").exists()


@once
def test_statistics_are_averaged_for_other_channels():
    grey = models.cct_2_3x2_32(weights="cifar10", input_shape=(32, 32, 1)).config
    with open_weights("cct_2_3x2_32.cifar10") as source:
        own = source.config
        assert len(own.mean) == len(own.std) == 3
        assert grey.mean == pytest.approx(np.mean(own.mean))
        assert grey.std == pytest.approx(np.mean(own.std))
        assert source.build(input_shape=(32, 32, 1), mean=0.1).config.mean == 0.1
        assert source.build(input_shape=(48, 32, 3)).config.mean == own.mean


@once
@pytest.mark.parametrize("argument", ["weights", "start_from"])
@pytest.mark.parametrize("name", LINES)
def test_weights_that_do_not_exist(name, argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some.zip").touch()
    with pytest.raises(ValueError, match=f"^`{argument}` must be the tag .*") as error:
        locate_weights(name, "cct_2_3x2_32", argument)
    assert LINES[name] in str(error.value)
    assert f"Received: {argument}={name!r}" in str(error.value)


@once
@pytest.mark.parametrize("name", ["a.keras", "a.weights.h5", "a.safetensors", "a.pth"])
def test_broken_files(name, model, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"no weights")
    with (
        pytest.raises(ValueError, match=re.escape(f"Received: path='{path}'")),
        open_weights(path) as source,
    ):
        source.load_into(small_model())


@once
def test_committees(tmp_path):
    committee = soft_committee([small_model()], name="both")
    committee.save(tmp_path / "a.keras")
    save_weights(committee, tmp_path / "a.safetensors")
    save_to_folder(committee, tmp_path / "folder")
    for name in DESCRIBED[:-1]:  # the authors' layout has no committees
        with open_weights(tmp_path / name) as source:
            assert source.config is None
            assert_equal_weights(source.build(), committee)
            with pytest.raises(ValueError, match="for the CCT 'small'"):
                source.load_into(small_model())
            with pytest.raises(ValueError, match="Received: classes"):
                source.build(classes=7)
