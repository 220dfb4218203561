"""Weights of text models in files and folders of our own: round trips and refusals."""

import json
import re
import shutil

import numpy as np
import pytest

from cctzoo import models
from cctzoo.models import soft_committee
from cctzoo.weights import (
    load_from_folder,
    load_model,
    load_weights,
    save_pytorch_checkpoint,
    save_to_folder,
    save_weights,
    transfer,
)
from tests.models.small import predict, small_model
from tests.weights.authors import small_text_model

WORDS = tuple(f"w{i}ü" for i in range(11))
MODELS = {
    "words": {"vocabulary": WORDS},
    "column": {"depth": 3, "conv_prefix": 2, "prefix_pool": (1,)},
    "token image": {"depth": 3, "conv_prefix": 2, "prefix_kind": "token_image"},
    "transformer": {"family": "text_transformer"},
    "committee": None,
}
once = pytest.mark.one_backend("torch")  # JSON does not depend on the backend


def made(name):
    if name != "committee":
        return small_text_model(**MODELS[name])
    members = [small_text_model(vocabulary=WORDS), small_text_model("text_vit", vocabulary=WORDS)]
    return soft_committee(members, name="both")


def ids(length=11):
    return np.random.default_rng(0).integers(0, 13, (3, length)).astype("int32")


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(name, tmp_path):
    model = made(name)
    save_to_folder(model, tmp_path / "model")
    back = load_from_folder(tmp_path / "model")
    again = load_model(tmp_path / "model" / "model.safetensors")
    for each in (back, again):
        assert each.config == model.config
        np.testing.assert_allclose(predict(each, ids()), predict(model, ids()), atol=1e-6)


@once
def test_a_large_vocabulary(tmp_path):
    words = [f"\u0441\u043b\u043e\u0432\u043e{i}" for i in range(100_000)]  # a header of 5 MB
    model = small_text_model(vocabulary=words, vocabulary_size=100_002, word_dim=1)
    save_weights(model, tmp_path / "a.safetensors", "float16")
    assert load_model(tmp_path / "a.safetensors").config == model.config


@once
def test_model_card(tmp_path):
    save_to_folder(made("words"), tmp_path / "words", dataset="ag_news", accuracy=0.5)
    card = (tmp_path / "words" / "README.md").read_text()
    assert 'pipeline_tag: "text-classification"' in card
    assert '"task": {"type": "text-classification"}' in card
    assert (
        "- Input: texts of up to 11 words, as ids of the 11 words that the model knows.\n" in card
    )
    code = card.partition("```python\n")[2].partition("```")[0]
    exec(code.replace("PATH", str(tmp_path / "words")).replace("predict(", "predict_on_batch("))
    save_to_folder(made("column"), tmp_path / "column")
    card = (tmp_path / "column" / "README.md").read_text()
    assert "the words are not known" in card
    assert "predict" not in card


@once
def test_weights_of_factories(tmp_path):
    """With the same config, and with other classes and a shorter length."""
    source = models.text_cct(2, 2, vocabulary=WORDS, word_dim=5, length=14, classes=3)
    source.save(tmp_path / "a.keras")
    save_weights(source, tmp_path / "a.safetensors")
    save_pytorch_checkpoint(source, tmp_path / "a.pth")
    same = {"vocabulary": WORDS, "word_dim": 5}
    for name in ("a.keras", "a.safetensors", "a.pth"):
        model = models.text_cct(2, 2, **same, length=14, classes=3, weights=tmp_path / name)
        np.testing.assert_allclose(predict(model, ids(14)), predict(source, ids(14)), atol=1e-6)
    for name in ("a.safetensors", "a.pth"):
        model = models.text_cct(2, 2, **same, length=9, classes=7, weights=tmp_path / name)
        for each in ("words", "tokenizer", "block01"):
            pairs = zip(
                model.get_layer(each).get_weights(),
                source.get_layer(each).get_weights(),
                strict=True,
            )
            assert all((weight == expected).all() for weight, expected in pairs)
    with pytest.raises(ValueError, match="Tags of 'text_cct_2_k2': none"):
        models.text_cct(weights="digits")


@once
def test_transfer(caplog):
    source = small_text_model(vocabulary=WORDS, length=16)
    target = small_text_model(vocabulary=WORDS, classes=7)
    transfer(source, target)
    assert caplog.messages == [
        "weights: fresh classifier for 7 classes",
        "weights: position embedding cut, 9 -> 7 tokens",
    ]
    np.testing.assert_array_equal(
        target.get_layer("words").get_weights()[0], source.get_layer("words").get_weights()[0]
    )


@once
def test_other_words_are_refused(tmp_path):
    """Their weights have the same shapes, but another meaning."""
    source, other = made("words"), small_text_model(vocabulary=WORDS[::-1])
    save_weights(source, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=r"Received: 11 words, \('w10ü', "):
        load_weights(other, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=r"Received: 11 words, \('w10ü', "):
        transfer(source, other)
    load_weights(
        small_text_model(), tmp_path / "a.safetensors"
    )  # a model without a vocabulary accepts any words


@once
def test_weights_of_the_other_kind_are_refused(tmp_path):
    save_weights(made("column"), tmp_path / "text.safetensors")
    save_weights(small_model(), tmp_path / "image.safetensors")
    for model, path, received in (
        (small_model(), "text.safetensors", "family='cct'"),
        (small_text_model(), "image.safetensors", "family='text_cct'"),
    ):
        with pytest.raises(ValueError, match=f"Received: {received}"):
            load_weights(model, tmp_path / path)
    with pytest.raises(ValueError, match="Received: padding_id=None"):
        load_weights(
            small_text_model(depth=3, conv_prefix=2, prefix_pool=(1,), padding_id=None),
            tmp_path / "text.safetensors",
        )
    with pytest.raises(ValueError, match="missing "):
        transfer(small_text_model(), small_model())


HUGE = 10**9
INVALID_CHANGES = {
    "a model of at least": {"vocabulary": None, "vocabulary_size": 10**6},
    "numbers. Received: a model": {"word_dim": 10**6},
    "weights and": {"kernel_size": 10**5, "length": 10**6},
    "positions": {"length": HUGE, "positional_embedding": "sine"},
    "Received: input_shape": {"input_shape": [8, 8, 3]},
    "Received: vocabulary_size": {"family": "text_rnn"},
    "`depth` must be at most": {"depth": HUGE},
    "`vocabulary` must be a sequence": {"vocabulary": "eval() os.sys"},
    "vocabulary=(1, 2": {"vocabulary": list(range(1, 12))},
    "11 words, vocabulary_size=12": {"vocabulary_size": 12},
    "complete": {"family": ["text_cct"]},
    "misshapen position/embedding": {"length": 30},
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    save_to_folder(made("words"), folder)
    return folder


def assert_refused(saved, config, fault, folder):
    shutil.copytree(saved, folder)
    description = json.loads((folder / "config.json").read_text()) | {"config": config}
    (folder / "config.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match=re.escape(fault)):
        load_from_folder(folder)


@once
@pytest.mark.parametrize("fault", INVALID_CHANGES)
def test_invalid_configs(fault, saved, tmp_path):
    config = json.loads((saved / "config.json").read_text())["config"] | INVALID_CHANGES[fault]
    assert_refused(saved, config, fault, tmp_path / "model")


@once
def test_a_config_that_is_a_list(saved, tmp_path):
    assert_refused(saved, [1], "config=[1]", tmp_path / "model")
