"""The authors' key layout: both ways, its errors, and parity with their model."""

import json
import re
import sys
import zlib
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from cctzoo.models import CCT, TextConfig, create_model, feature_extractor
from cctzoo.weights import (
    load_pytorch_checkpoint,
    load_state_dict,
    save_pytorch_checkpoint,
    state_dict,
    state_dict_keys,
)
from tests.models.small import predict, small_model

FAMILIES = {
    "cct": {"kernel_size": 3, "conv_layers": 2},
    "cvt": {"family": "cvt", "kernel_size": 4},
    "vit": {"family": "vit", "kernel_size": 4},
}
TEXT_FAMILIES = {
    "text_cct": {"kernel_size": 4},
    "text_cvt": {"kernel_size": 3},
    "text_vit": {"kernel_size": 4},
    "text_transformer": {"kernel_size": 1, "word_dim": 24},
}
REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
# Where the file's name is not the variant's: the variant and changes to it.
RENAMED = {
    "cct_7_3x1_32_c100": ("cct_7_3x1_32", {"classes": 100}),
    "cct_7_3x1_32_c100_heads64": ("cct_lsmha", {}),
}
BLOCK = {
    "pre_norm.weight": (24,),
    "pre_norm.bias": (24,),
    "self_attn.qkv.weight": (72, 24),
    "self_attn.proj.weight": (24, 24),
    "self_attn.proj.bias": (24,),
    "norm1.weight": (24,),
    "norm1.bias": (24,),
    "linear1.weight": (48, 24),
    "linear1.bias": (48,),
    "linear2.weight": (24, 48),
    "linear2.bias": (24,),
}
ENDS = {
    "cct": {
        "tokenizer.conv_layers.0.0.weight": (64, 3, 3, 3),
        "tokenizer.conv_layers.1.0.weight": (24, 64, 3, 3),
    },
    "cvt": {
        "tokenizer.conv_layers.0.0.weight": (24, 3, 4, 4),
        "tokenizer.conv_layers.0.0.bias": (24,),
    },
}
ENDS["vit"] = {**ENDS["cvt"], "classifier.class_emb": (1, 1, 24)}


def shapes(family):
    """Shape by key in PyTorch's layout, of the small model of a family."""
    pooling = {
        "classifier.attention_pool.weight": (1, 24),
        "classifier.attention_pool.bias": (1,),
    }
    return {
        **ENDS[family],
        "classifier.positional_emb": (1, 13 if family == "vit" else 12, 24),
        **({} if family == "vit" else pooling),
        **{f"classifier.blocks.{i}.{key}": BLOCK[key] for i in range(2) for key in BLOCK},
        "classifier.norm.weight": (24,),
        "classifier.norm.bias": (24,),
        "classifier.fc.weight": (5, 24),
        "classifier.fc.bias": (5,),
    }


def small_text_model(family="text_cct", **changes):
    """Two blocks on 11 words: 7 tokens in a text_cct of kernel size 4."""
    options = {"depth": 2, "embed_dim": 24, "heads": 3, "word_dim": 7, "classes": 5}
    options |= {"vocabulary_size": 13, "length": 11, "positional_embedding": "learnable"}
    return CCT(TextConfig(family=family, **{**options, **TEXT_FAMILIES[family], **changes}))


def draw(key, shape):
    """The array that the authors' model was filled with for its reference outputs."""
    noise = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
    noise = noise.astype("float32")
    if key.startswith("embedder."):
        return noise
    if key.endswith(("positional_emb", "class_emb")):
        return 0.2 * noise
    if key.endswith(".bias"):
        return 0.1 * noise
    if "norm" in key.split(".")[-2]:
        return 1 + 0.1 * noise
    return (noise / np.sqrt(np.prod(shape[1:]))).astype("float32")


def made_up(family):
    return {key: draw(key, shape) for key, shape in shapes(family).items()}


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


@pytest.mark.parametrize("family", TEXT_FAMILIES)
def test_round_trip_of_texts(family):
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


def test_sine_has_no_position_key():
    keys = state_dict_keys(small_model(positional_embedding="sine"))
    assert "classifier.positional_emb" not in keys


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
        "misshapen classifier.fc.weight: (24, 3), wanted (24, 5)",
        "unexpected classifier.class_emb",
    ):
        assert fault in str(error.value)
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"depth": 3, "conv_prefix": 2}, "conv_prefix=2, norm='cct'"),
        ({"norm": "pre"}, "conv_prefix=0, norm='pre'"),
    ],
)
def test_layouts_that_do_not_exist(changes, received):
    model = small_model(**changes)
    for function in (state_dict_keys, lambda model: load_state_dict(model, {})):
        with pytest.raises(ValueError, match=re.escape(f"Received: {received}")):
            function(model)


needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"the authors' outputs are not in {REFERENCE}"
)


def load_through_a_file(model, shapes, folder, monkeypatch):
    """One that PyTorch wrote, read where it cannot be imported; and back, bit by bit."""
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


@needs_reference
@pytest.mark.parametrize(
    "name",
    [path.stem for path in sorted(REFERENCE.glob("c[cv]t_*.json"))]
    + [path.stem for path in sorted(REFERENCE.glob("vit_*.json"))],
)
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


@needs_reference
@pytest.mark.parametrize("name", [path.stem for path in sorted(REFERENCE.glob("text_*.json"))])
def test_parity_with_the_authors_model_of_texts(name, tmp_path, monkeypatch):
    """Their padding counts as words; a text without any is the same to a model that masks it."""
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
