"""Weights files and folders of our own: round trips of all models, and refusals."""

import json
import re
import shutil

import numpy as np
import pytest

from cctzoo import models
from cctzoo.formats.safetensors import open_safetensors, write_safetensors
from cctzoo.models import soft_committee
from cctzoo.weights import (
    folder,
    load_from_folder,
    load_model,
    load_pytorch_checkpoint,
    load_weights,
    save_to_folder,
    save_weights,
    state_dict,
)
from tests.models.small import images, predict, small_model

MODELS = {
    "lsmha": {"heads": (24, 5), "head_dim": 3, "norm": "pre"},
    "prefix": {"depth": 3, "conv_prefix": 2, "input_shape": (24, 32, 3)},
    "depthwise": {"depth": 3, "conv_prefix": 2, "prefix_kind": "depthwise"},
    "vit, no top": {"family": "vit", "kernel_size": 4, "include_top": False},
    "committee": None,
}
once = pytest.mark.one_backend("torch")  # JSON does not depend on the backend


def made(name):
    if name != "committee":
        return small_model(**MODELS[name])
    members = [small_model(name="a"), small_model(name="a", heads=6, depth=1)]
    return soft_committee(members, weights=[1, 3], name="both")


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(name, tmp_path):
    """The names do not depend on Keras' counters of layers, which differ here."""
    model = made(name)
    save_to_folder(model, tmp_path / "model")
    files = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert files == ["README.md", "config.json", "model.safetensors"]
    small_model(depth=3, conv_prefix=2)
    back = load_from_folder(tmp_path / "model")
    assert back.name == model.name
    assert back.config == model.config
    again = load_model(tmp_path / "model" / "model.safetensors")
    for each in (back, again):
        for weight, expected in zip(each.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)
    if name == "committee":
        x = images(model.members[0])
        np.testing.assert_allclose(predict(back, x), predict(model, x), atol=1e-6)


@once
def test_committees(tmp_path):
    model, other = made("committee"), made("committee")
    save_weights(model, tmp_path / "a.safetensors")
    load_weights(other, tmp_path / "a.safetensors")
    x = images(model.members[0])
    np.testing.assert_allclose(predict(other, x), predict(model, x), atol=1e-6)
    different = soft_committee([small_model(name="a", classes=7)], name="different")
    with pytest.raises(
        ValueError, match="Received: weights of 'both' for the SoftCommittee 'different'"
    ):
        load_weights(different, tmp_path / "a.safetensors")


@once
def test_float16(tmp_path):
    model, other = small_model(), small_model()
    save_weights(model, tmp_path / "a.safetensors", "float16")
    load_weights(other, tmp_path / "a.safetensors")
    for weight, expected in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected.astype("float16").astype("float32"))
    size = (tmp_path / "a.safetensors").stat().st_size
    assert 2 * model.count_params() < size < 2 * model.count_params() + 6000
    model.get_layer("norm").gamma.assign(np.full(24, 1e5))
    with pytest.raises(ValueError, match=r"finite in float16\. Received: norm/gamma"):
        save_weights(model, tmp_path / "b.safetensors", "float16")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


@once
def test_model_card(tmp_path):
    model = small_model(classifier_activation=None)
    options = {"licence": "apache-2.0", "dataset": "cifar10", "accuracy": 0.5}
    save_to_folder(model, tmp_path / "model", notes="Trained on *little*.", **options)
    front, _, text = (
        (tmp_path / "model" / "README.md").read_text().removeprefix("---\n").partition("---\n")
    )
    matter = {
        key: json.loads(value) for key, _, value in (x.partition(": ") for x in front.splitlines())
    }
    assert matter["library_name"] == "cctzoo"
    assert matter["pipeline_tag"] == "image-classification"
    assert matter["license"] == "apache-2.0"
    assert matter["datasets"] == ["cifar10"]
    (result,) = matter["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "accuracy", "value": 0.5}]
    for words in ("# small", "Trained on *little*.", "12x16 pixels and 3 channels", "logits"):
        assert words in text
    save_to_folder(made("committee"), tmp_path / "committee")
    card = (tmp_path / "committee" / "README.md").read_text()
    assert "a committee of 2 models" in card
    assert "license" not in card


@once
def test_invalid_arguments_leave_no_folder(tmp_path):
    model = small_model()
    for received, options in {
        "accuracy=2": {"accuracy": 2, "dataset": "digits"},
        "dataset=None": {"accuracy": 0.5},
        "dtype='int8'": {"dtype": "int8"},
    }.items():
        with pytest.raises(ValueError, match=f"Received: .*{received}"):
            save_to_folder(model, tmp_path / "a", **options)
    with pytest.raises(ValueError, match="model=<Functional"):
        save_to_folder(models.feature_extractor(model, ["norm"]), tmp_path / "a")
    model.get_layer("classifier").quantize("int8")
    with pytest.raises(ValueError, match="quantised"):
        save_to_folder(model, tmp_path / "a")
    (tmp_path / "b").mkdir()
    with pytest.raises(ValueError, match="must not exist yet"):
        save_to_folder(model, tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@once
def test_two_processes_that_save_to_one_folder(tmp_path, monkeypatch):
    """The second one ends first: the folder is its own, and complete."""
    first, second = small_model(), small_model(classes=2)

    def save(model, path, dtype):
        if model is first:
            save_to_folder(second, tmp_path / "a")
        save_weights(model, path, dtype)

    monkeypatch.setattr(folder, "save_weights", save)
    with pytest.raises(ValueError, match=r"must not exist yet.*/a'.*another process"):
        save_to_folder(first, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert load_from_folder(tmp_path / "a").config == second.config


CALL = {"class_name": "Lambda", "module": "builtins", "config": {"function": "eval"}}
INVALID_JSON = {
    "Expecting value": "",
    "nested so deeply": "[" * 100_000,
    "a JSON object": "[]",
    "KeyError": "{}",
    "kind=": '{"kind": "os.system"}',
    "KeyError('name')": '{"kind": "cct", "config": {}}',
}
INVALID_CHANGES = {
    "has no keyword `function`": {"function": "eval"},
    "`heads` must": {"heads": CALL},
    "of at least": {"embed_dim": 6000, "heads": 1},
    "`depth` must be at most": {"depth": 10**12},
    "`conv_layers` must be at most": {"conv_layers": 10**12},
    "a model of at least": {"depth": 1000},
    "numbers. Received: a model": {"classes": 10**6},
    "positions": {"input_shape": [10**6, 10**6, 3], "positional_embedding": "sine"},
    "unexpected block01/": {"depth": 1},
    "misshapen block00/expand/kernel": {"mlp_ratio": 1},
    "unexpected position/embedding": {"positional_embedding": None},
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    save_to_folder(small_model(), folder)
    return folder


def assert_refused(saved, text, fault, folder):
    shutil.copytree(saved, folder)
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=re.escape(fault)) as error:
        load_from_folder(folder)
    assert "Received: " in str(error.value)
    assert str(folder) in str(error.value)


@once
@pytest.mark.parametrize("fault", INVALID_JSON)
def test_invalid_json(fault, saved, tmp_path):
    assert_refused(saved, INVALID_JSON[fault], fault, tmp_path / "model")


@once
@pytest.mark.parametrize("fault", INVALID_CHANGES)
def test_invalid_configs(fault, saved, tmp_path):
    description = json.loads((saved / "config.json").read_text())
    description["config"] |= INVALID_CHANGES[fault]
    assert_refused(saved, json.dumps(description), fault, tmp_path / "model")


@once
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_files(name, saved, tmp_path):
    shutil.copytree(saved, tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    with pytest.raises(ValueError, match=f"without {re.escape(name)}"):
        load_from_folder(tmp_path / "model")


@once
def test_files_of_other_kinds_are_refused(tmp_path):
    model = small_model()
    path = tmp_path / "a.safetensors"
    write_safetensors(state_dict(model), path, {"format": "pt"})
    with pytest.raises(ValueError, match="file of `save_weights`"):
        load_weights(model, path)
    write_safetensors({"w": np.ones(2, "float32")}, path, {"format": "cctzoo", "model": "{}"})
    with pytest.raises(ValueError, match="KeyError"):
        load_model(path)
    with pytest.raises(ValueError, match="KeyError"):
        load_weights(model, path)
    save_weights(model, path)
    with pytest.raises(ValueError, match="for a file of `save_weights` use `load_weights`"):
        load_pytorch_checkpoint(model, path)
    with pytest.raises(ValueError, match=r"must end with \.safetensors"):
        save_weights(model, tmp_path / "a.h5")


@once
def test_other_heads_are_refused(tmp_path):
    """Their weights have the same shapes, but another meaning."""
    path = tmp_path / "a.safetensors"
    save_weights(small_model(), path)
    with open_safetensors(path) as (arrays, _):
        assert "block01/attention/qkv/kernel" in arrays
    with pytest.raises(ValueError, match=re.escape("Received: heads=4")):
        load_weights(small_model(heads=4), path)
    other = small_model(classes=7, input_shape=(40, 24, 1))
    load_weights(other, path)
