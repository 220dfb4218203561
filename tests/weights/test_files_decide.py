"""`create_model(NAME, weights=FILE)`: a file that describes its model decides, as a tag does."""

import json
import re

import keras
import numpy as np
import pytest

from cctzoo.formats.safetensors import open_safetensors, write_safetensors
from cctzoo.models import create_model, soft_committee
from cctzoo.weights import (
    load_model,
    load_pytorch_checkpoint,
    load_weights,
    open_weights,
    save_pytorch_checkpoint,
    save_to_folder,
    save_weights,
    state_dict,
)
from tests.models.small import images, predict, small_model
from tests.weights.authors import small_text_model

NAME = "cct_2_3x2_32"
STATISTICS = {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.25)}
CHANGES = {"embed_dim": 24, "heads": 6, "classes": 3, "input_shape": (12, 16, 3)}
FILES = ("a.keras", "a.safetensors", "pytorch.safetensors", "folder")
once = pytest.mark.one_backend("torch")  # the rules do not depend on the backend


@pytest.fixture(scope="module")
def model():
    return create_model(NAME, **CHANGES, **STATISTICS)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    model.save(folder / "a.keras")
    model.save_weights(folder / "a.weights.h5")
    save_weights(model, folder / "a.safetensors")
    save_to_folder(model, folder / "folder")
    for name in ("a.pth", "pytorch.safetensors"):
        save_pytorch_checkpoint(model, folder / name)
    write_safetensors(state_dict(model), folder / "foreign.safetensors")
    return folder


@pytest.mark.parametrize("name", FILES)
def test_the_file_decides(name, model, folder, caplog):
    again = create_model(NAME, weights=folder / name, name="mine", dtype="float32")
    assert (again.config, again.name) == (model.config, "mine")
    x = images(model)
    np.testing.assert_allclose(predict(again, x), predict(model, x), atol=1e-6)
    assert not caplog.messages


@once
@pytest.mark.parametrize("name", FILES)
def test_classes_size_and_top_are_adapted(name, model, folder):
    path = folder / name
    again = create_model(NAME, weights=path, classes=5, input_shape=(24, 32, 3))
    assert (again.config.classes, again.config.mean) == (5, STATISTICS["mean"])
    bare = create_model(NAME, weights=path, include_top=False)
    assert predict(bare, images(bare)).shape == (3, *model.config.grid, 24)
    grey = create_model(NAME, weights=path, input_shape=(12, 16, 1))
    assert grey.config.mean == pytest.approx(0.5)


@once
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("variant", "changes", "received"),
    [
        (NAME, {"heads": 3}, "require heads=6. Received: heads=3"),
        (NAME, {"heads": (6, 3)}, "require heads=(6, 6). Received: heads=(6, 3)"),
        (NAME, {"depth": 3}, "require depth=2. Received: depth=3"),
        (NAME, {"embed_dim": 48}, "require embed_dim=24. Received: embed_dim=48"),
        (NAME, {"heds": 3}, "Received: heds=3"),
        (
            "cct_7_3x1_32",
            {},
            "with depth=2, conv_layers=2. Build this model with "
            "`weights.open_weights(path).build()`, or name a model that agrees. Received: "
            "'cct_7_3x1_32', which has depth=7, conv_layers=1",
        ),
        ("cct_7_3x1_32", {"depth": 7}, "with conv_layers=2."),
        ("cct_conv", {}, "which has depth=7, conv_prefix=3, conv_layers=1, heads=64"),
        ("cct_2_7x2_32", {}, "'cct_2_7x2_32', which has kernel_size=7"),
        ("cct_2_3x2_32_sine", {}, "which has positional_embedding='sine'"),
        ("vit_2_4_32", {}, "which has family='vit', kernel_size=4, conv_layers=1"),
        ("text_cct_2_k2", {}, "which has family='text_cct'"),
        ("cct_2_3x2_64", {"heads": 6, "depth": 2}, None),
        ("cct_2_3x2_32_sine", {"positional_embedding": "learnable"}, None),
    ],
)
def test_contradictions_are_refused_by_name(name, variant, changes, received, folder):
    path = folder / name
    if received is None:
        assert create_model(variant, weights=path, **changes).config.heads == 6
        return
    with pytest.raises(ValueError, match=re.escape(received)) as error:
        create_model(variant, weights=path, **changes)
    assert str(path) in str(error.value) or "heds" in changes


@once
@pytest.mark.parametrize("name", FILES)
def test_another_attention_is_loaded_if_it_is_asked_for(name, model, folder, caplog):
    caplog.set_level("INFO")
    fast = create_model(NAME, weights=folder / name, attention="polynomial")
    assert fast.config.attention == "polynomial"
    for mine, other in zip(fast.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    (notice,) = caplog.messages
    assert "attention='softmax' and are loaded for attention='polynomial'" in notice


@once
@pytest.mark.parametrize("name", FILES)
def test_another_activation_is_loaded_if_it_is_asked_for(name, folder, caplog):
    caplog.set_level("INFO")
    small = create_model(NAME, weights=folder / name, activation="quick_gelu")
    assert small.config.activation == "quick_gelu"
    assert caplog.messages == [
        "weights: the weights were trained with activation='gelu' and are loaded for "
        "activation='quick_gelu': the model has to be fine-tuned"
    ]
    caplog.clear()
    with open_weights(folder / name) as source:
        source.build(activation="relu", attention="polynomial")
    assert (
        "with attention='softmax', activation='gelu' and are loaded for "
        "attention='polynomial', activation='relu'" in caplog.messages[0]
    )


@once
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation": "relu"}, r"require activation='gelu'\. Received: activation='relu'"),
        ({"attention": "polynomial"}, r"require attention='softmax'\. Received: attention='pol"),
    ],
)
def test_another_computation_is_refused_by_a_model_that_exists(changes, message, folder):
    other = create_model(NAME, **changes, **CHANGES, **STATISTICS)
    with pytest.raises(ValueError, match=message):
        load_weights(other, folder / "a.safetensors")


@once
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_checkpoints_for_the_authors_code_say_what_it_does_not_compute(name, tmp_path, caplog):
    caplog.set_level("INFO")
    save_pytorch_checkpoint(small_model(), tmp_path / name)
    assert not caplog.messages
    model = small_model(activation="quick_gelu", attention=("softmax", "polynomial"))
    save_pytorch_checkpoint(model, tmp_path / name)
    (notice,) = caplog.messages
    assert "attention=('softmax', 'polynomial'), activation='quick_gelu'" in notice
    caplog.clear()
    load_pytorch_checkpoint(model, tmp_path / name)
    assert name == "a.safetensors" or "activation='quick_gelu' of the model" in caplog.messages[0]


@once
def test_a_model_of_the_same_name_may_have_been_changed(tmp_path):
    trained = create_model("cct_conv", embed_dim=24, heads=4, depth=5, input_shape=(16, 16, 3))
    trained.save(tmp_path / "a.keras")
    assert create_model("cct_conv", weights=tmp_path / "a.keras").config == trained.config


@once
@pytest.mark.parametrize("name", ["a.keras", "a.safetensors", "folder"])
def test_committees_are_refused(name, tmp_path):
    committee = soft_committee([small_model()], name="both")
    save = {"a.keras": committee.save, "folder": lambda path: save_to_folder(committee, path)}
    save.get(name, lambda path: save_weights(committee, path))(tmp_path / name)
    with pytest.raises(ValueError, match=r"open_weights\(path\)\.build\(\).*committee 'both'"):
        create_model(NAME, weights=tmp_path / name)


@once
@pytest.mark.parametrize("name", ["a.pth", "a.weights.h5", "foreign.safetensors"])
def test_one_line_says_which_statistics_are_used(name, folder, caplog):
    options = CHANGES | {"mean": 0.25, "std": (0.1, 0.2, 0.3)}
    create_model(NAME, weights=folder / name, **options)
    assert caplog.messages == [
        f"weights: {name} holds neither pixel statistics nor the number of heads: mean=0.25, "
        "std=(0.1, 0.2, 0.3) and heads=6 of the model are used"
    ]
    caplog.clear()
    create_model(NAME, weights=folder / name, include_preprocessing=False, **options)
    assert not caplog.messages


@once
def test_one_line_for_texts(tmp_path, caplog):
    words = tuple(f"w{i}" for i in range(11))
    save_pytorch_checkpoint(small_text_model(), tmp_path / "a.pth")
    for changes, used in (({}, "no vocabulary"), ({"vocabulary": words}, "the vocabulary")):
        caplog.clear()
        load_pytorch_checkpoint(small_text_model(**changes), tmp_path / "a.pth")
        assert caplog.messages == [
            f"weights: a.pth holds neither words nor the number of heads: {used} and heads=3 of "
            "the model are used"
        ]


@once
@pytest.mark.parametrize("name", FILES)
def test_other_statistics_are_kept_with_a_line(name, folder, caplog):
    """In a given model, and if they are given by name."""
    own = CHANGES | {"mean": 0.5, "std": 0.5}
    with open_weights(folder / name) as source:
        source.load_into(create_model(NAME, **own))
    create_model(NAME, weights=folder / name, mean=0.5, std=0.5)
    line = f"weights: {name} holds weights for pixels with mean=(0.4, 0.5, 0.6), "
    line += "std=(0.2, 0.3, 0.25): the model keeps its own, mean=0.5, std=0.5"
    assert caplog.messages == [line, line]


@once
def test_safetensors_in_the_authors_layout(model, folder, tmp_path):
    """PyTorch reads them, and they describe their model."""
    from safetensors.torch import load_file

    path = folder / "pytorch.safetensors"
    tensors = load_file(path)
    expected = state_dict(model)
    assert tensors.keys() == expected.keys()
    for key, tensor in tensors.items():
        np.testing.assert_array_equal(tensor.numpy(), expected[key])
    with open_safetensors(path) as (_, metadata):
        assert metadata["format"] == "pt"
        described = json.loads(metadata["cctzoo"])["config"]
    assert (tuple(described["mean"]), tuple(described["std"])) == tuple(STATISTICS.values())
    assert load_model(path).config == model.config
    other = create_model(NAME, **CHANGES | {"heads": 3})
    for load in (load_weights, load_pytorch_checkpoint):
        load(create_model(NAME, **CHANGES, **STATISTICS), path)
        with pytest.raises(ValueError, match=r"require heads=6\. Received: heads=3"):
            load(other, path)
    sine = small_model(positional_embedding="sine", input_shape=(40, 24, 3), kernel_size=3)
    save_pytorch_checkpoint(sine, tmp_path / "a.safetensors")
    assert load_model(tmp_path / "a.safetensors").config == sine.config


INVALID = {
    "Expecting value": "",
    "nested so deeply": "[" * 100_000,
    "a JSON object": "[]",
    "KeyError": "{}",
    "kind=": '{"kind": "os.system"}',
}
INVALID_CHANGES = {
    "has no keyword `function`": {"function": "eval"},
    "of at least": {"embed_dim": 6000, "heads": 1},
    "`depth` must be at most": {"depth": 10**12},
    "numbers. Received: a model": {"classes": 10**6},
    "positions": {"input_shape": [10**6, 10**6, 3], "positional_embedding": "sine"},
    "unexpected classifier.blocks.1": {"depth": 1},
    "conv_prefix=1": {"conv_prefix": 1, "prefix_filters": [24], "conv_layers": 1},
}


@once
@pytest.mark.parametrize("fault", [*INVALID, *INVALID_CHANGES, "the committee"])
def test_invalid_descriptions_in_the_authors_layout(fault, model, folder, tmp_path):
    path = tmp_path / "a.safetensors"
    with open_safetensors(folder / "pytorch.safetensors") as (_, metadata):
        description = json.loads(metadata["cctzoo"])
    description["config"] |= INVALID_CHANGES.get(fault, {})
    if fault == "the committee":
        description = {"kind": "soft_committee", "name": "both", "members": [description]}
        description |= {"average": "logits", "weights": [1], "classifier_activation": None}
    text = INVALID.get(fault, json.dumps(description))
    write_safetensors(state_dict(model), path, {"format": "pt", "cctzoo": text})
    with pytest.raises(ValueError, match=re.escape(fault)) as error:
        create_model(NAME, weights=path)
    assert repr(str(path)) in str(error.value)
    assert "Received: " in str(error.value)


def test_a_loaded_keras_file_predicts_the_same(model, folder):
    x = images(model)
    loaded = keras.saving.load_model(folder / "a.keras")
    again = create_model(NAME, weights=folder / "a.keras", classes=3)
    np.testing.assert_allclose(predict(again, x), predict(loaded, x), atol=1e-6)
