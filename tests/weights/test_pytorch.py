"""The authors' key layout: both directions, errors, and parity with their model."""

import json
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from cctzoo.models import create_model, feature_extractor
from cctzoo.weights import (
    load_pytorch_checkpoint,
    load_state_dict,
    save_pytorch_checkpoint,
    state_dict,
    state_dict_keys,
)
from tests.models.small import predict, small_model
from tests.weights.authors import (
    FAMILIES,
    TEXT_FAMILIES,
    draw,
    made_up,
    shapes,
    small_text_model,
)

once = pytest.mark.one_backend("torch")  # keys; the references are compared on each backend
REFERENCE = Path(__file__).parent / "reference"
IMAGE_REFERENCES = [
    "cct_2_3x2_32",
    "cct_7_3x1_32_c100",
    "cct_7_3x1_32_c100_heads64",
    "cct_7_7x2_224",
    "cvt_6_4_32",
    "vit_6_4_32",
]
TEXT_REFERENCES = ["text_cct_2_k2"]
# Where the file's name is not the variant's: the variant and changes to it.
RENAMED = {
    "cct_7_3x1_32_c100": ("cct_7_3x1_32", {"classes": 100}),
    "cct_7_3x1_32_c100_heads64": ("cct_lsmha", {}),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_round_trip(family):
    model, state = small_model(**FAMILIES[family]), made_up(family)
    load_state_dict(model, state)
    keys = state_dict_keys(model)
    assert keys.keys() == state.keys()
    assert {id(variable) for variable, _ in keys.values()} == set(map(id, model.weights))
    for key, (variable, order) in keys.items():
        array = variable.numpy() if order is None else variable.numpy().transpose(np.argsort(order))
        np.testing.assert_array_equal(array, state[key])


@once
@pytest.mark.parametrize("family", TEXT_FAMILIES)
def test_text_round_trip(family):
    """Every weight has a key of the authors' shape, and comes back through it."""
    model = small_text_model(family)
    config = model.config
    own = {"embedder.embeddings.weight": (13, config.word_dim)}
    if family != "text_transformer":
        own["tokenizer.conv_layers.0.weight"] = (24, 1, config.kernel_size, 7)
    if config.has_class_token:
        own["classifier.class_emb"] = (1, 1, 24)
    encoder = shapes("vit" if config.has_class_token else "cvt")
    encoder = {key: shape for key, shape in encoder.items() if not key.startswith("tokenizer")}
    encoder["classifier.positional_emb"] = (1, config.tokens, 24)
    state = {key: draw(key, shape) for key, shape in {**encoder, **own}.items()}
    load_state_dict(model, state)
    keys = state_dict_keys(model)
    assert {id(variable) for variable, _ in keys.values()} == set(map(id, model.weights))
    back = state_dict(model)
    assert back.keys() == state.keys()
    for key, array in state.items():
        np.testing.assert_array_equal(back[key], array)


@once
def test_sine_has_no_position_key():
    keys = state_dict_keys(small_model(positional_embedding="sine"))
    assert "classifier.positional_emb" not in keys


@once
def test_wrong_keys_are_listed_and_nothing_is_assigned():
    model, state = small_model(**FAMILIES["cct"]), made_up("cct")
    before = model.get_weights()
    del state["classifier.norm.bias"]
    state["classifier.fc.weight"] = state["classifier.fc.weight"][:3]
    state["classifier.class_emb"] = np.zeros((1, 1, 24))
    with pytest.raises(ValueError, match="Received: ") as error:
        load_state_dict(model, state)
    for fault in (
        "missing classifier.norm.bias",
        "misshapen classifier.fc.weight: (24, 3), expected (24, 5)",
        "unexpected classifier.class_emb",
    ):
        assert fault in str(error.value)
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


@once
@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"depth": 3, "conv_prefix": 2}, "conv_prefix=2, norm='cct'"),
        ({"norm": "pre"}, "conv_prefix=0, norm='pre'"),
        ({"mlp_kind": "depthwise"}, "conv_prefix=0, norm='cct', mlp_kind='depthwise'"),
        ({"positional_join": "layer"}, "norm='cct', mlp_kind='dense', positional_join='layer'"),
    ],
)
def test_models_without_a_layout_are_refused(changes, received):
    model = small_model(**changes)
    for function in (state_dict_keys, lambda model: load_state_dict(model, {})):
        with pytest.raises(ValueError, match=f"Received: .*{re.escape(received)}"):
            function(model)


@once
def test_all_reference_outputs_are_there():
    """Every file is compared with a model below, and every comparison has its file."""
    names = sorted([*IMAGE_REFERENCES, *TEXT_REFERENCES])
    for suffix in (".json", ".npz"):
        assert sorted(path.stem for path in REFERENCE.glob(f"*{suffix}")) == names


def load_through_a_file(model, shapes, folder, monkeypatch):
    """Loads a file that PyTorch wrote, without PyTorch; and writes it back, bit by bit."""
    state = {key: torch.from_numpy(draw(key, shape)) for key, shape in shapes.items()}
    torch.save(state, folder / "a.pth")
    with monkeypatch.context() as without:
        if keras.backend.backend() != "torch":
            without.setitem(sys.modules, "torch", None)
        load_pytorch_checkpoint(model, folder / "a.pth")
    save_pytorch_checkpoint(model, folder / "back.pth")
    back = torch.load(folder / "back.pth", weights_only=True)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)


@pytest.mark.parametrize("name", IMAGE_REFERENCES)
def test_parity_with_the_authors_model(name, tmp_path, monkeypatch):
    about = json.loads((REFERENCE / f"{name}.json").read_text())
    variant, changes = RENAMED.get(name, (name, {}))
    options = {"include_preprocessing": False, "classifier_activation": None}
    model = create_model(variant, **options, **changes)
    load_through_a_file(model, about["shapes"], tmp_path, monkeypatch)
    side = about["image_size"]
    x = np.random.default_rng(0).standard_normal((2, side, side, 3)).astype("float32")
    blocks = [f"block{i:02d}" for i in range(model.config.depth)]
    features = predict(feature_extractor(model, ["tokens", *blocks, "classifier"]), x)
    means = {"tokens_mean": "tokens", **{f"block{int(b[5:])}_mean": b for b in blocks}}
    with np.load(REFERENCE / f"{name}.npz") as expected:
        assert set(expected) == {"logits", *means}
        np.testing.assert_allclose(features["classifier"], expected["logits"], atol=2e-4)
        for key, feature in means.items():
            mean = features[feature].mean(-1).reshape(2, -1)
            np.testing.assert_allclose(mean, expected[key], atol=2e-4)


@pytest.mark.parametrize("name", TEXT_REFERENCES)
def test_parity_with_the_authors_text_model(name, tmp_path, monkeypatch):
    """The authors do not mask padding; without padding, a model with a mask is equal."""
    about = json.loads((REFERENCE / f"{name}.json").read_text())
    with np.load(REFERENCE / f"{name}.npz") as reference:
        ids, expected = reference["ids"].astype("int32"), reference["logits"]
    for padding, rows in ((None, slice(None)), (1, [not (row == 1).any() for row in ids])):
        model = create_model(
            name,
            vocabulary_size=about["shapes"]["embedder.embeddings.weight"][0],
            length=about["seq_len"],
            classes=expected.shape[1],
            positional_embedding="learnable",
            padding_id=padding,
            classifier_activation=None,
        )
        load_through_a_file(model, about["shapes"], tmp_path, monkeypatch)
        assert len(expected[rows])
        np.testing.assert_allclose(predict(model, ids[rows]), expected[rows], atol=2e-4)
