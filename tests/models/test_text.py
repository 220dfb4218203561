"""Text models: padding without influence, saving, features, committees."""

import keras
import numpy as np
import pytest

from cctzoo import models
from cctzoo.models import TextConfig, feature_extractor
from tests.layers.contract import randomise
from tests.models.small import predict, small_model, to_array
from tests.models.text_models import FAMILIES, LENGTH, PREFIXES, WORDS, padded, text_model

once = pytest.mark.one_backend("torch")  # for the further cases of a test of every backend
OTHERS = ("text_cvt", "text_vit", "text_transformer")
CASES = [  # each family and each prefix on every backend, their products under PyTorch
    pytest.param(family, prefix, marks=[] if prefix == "none" or family == "text_cct" else [once])
    for family in FAMILIES
    for prefix in PREFIXES
]


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    return [rng.integers(2, WORDS, size) for size in (12, 13, 17, 7, 22)]


@pytest.mark.parametrize(("family", "prefix"), CASES)
def test_padding_does_not_change_logits(family, prefix, texts):
    """A padded text in a batch gets the logits of a batch that holds only this text."""
    model = text_model(family, **PREFIXES[prefix])
    randomise(model)
    expected = predict(model, padded(texts, LENGTH))
    assert np.abs(expected - expected[0]).max() > 0.1  # the texts differ
    longer = text_model(family, **PREFIXES[prefix], length=29)
    longer.set_weights(model.get_weights())
    np.testing.assert_allclose(predict(longer, padded(texts, 29)), expected, atol=1e-5)
    text = texts[1]
    single = text_model(family, **PREFIXES[prefix], length=len(text), padding_id=None)
    single.set_weights(model.get_weights())
    found = predict(single, padded([text], len(text)))
    np.testing.assert_allclose(found[0], expected[1], atol=1e-5)


@pytest.mark.parametrize("family", ["text_cct", *(pytest.param(f, marks=once) for f in OTHERS)])
def test_an_empty_text_is_one_word_of_zeros(family):
    model = text_model(family)
    randomise(model)
    longer = text_model(family, length=16)
    longer.set_weights(model.get_weights())
    empty = predict(model, padded([[]], LENGTH))
    assert np.isfinite(empty).all()
    np.testing.assert_allclose(predict(longer, padded([[]], 16)), empty, atol=1e-5)


def test_no_padding_id(texts):
    model, masked = text_model(padding_id=None), text_model()
    randomise(model)
    masked.set_weights(model.get_weights())
    full, short = padded(texts[4:], LENGTH), padded(texts[:1], LENGTH)
    np.testing.assert_allclose(predict(model, full), predict(masked, full), atol=1e-5)
    assert np.abs(predict(model, short) - predict(masked, short)).max() > 1e-3


def test_avg_pooling_ignores_padding(texts):
    model = text_model(pooling="avg")
    randomise(model)
    longer = text_model(pooling="avg", length=29)
    longer.set_weights(model.get_weights())
    expected = predict(model, padded(texts, LENGTH))
    np.testing.assert_allclose(predict(longer, padded(texts, 29)), expected, atol=1e-5)


@pytest.mark.parametrize(
    "prefix", ["vgg", *(pytest.param(name, marks=once) for name in ("none", "token_image"))]
)
def test_a_saved_model_predicts_the_same(prefix, texts, tmp_path):
    model = text_model(**PREFIXES[prefix], vocabulary=[f"w{i}" for i in range(WORDS - 2)])
    randomise(model)
    model.save(tmp_path / "text.keras")
    loaded = keras.saving.load_model(tmp_path / "text.keras")
    assert loaded.config == model.config
    ids = padded(texts, LENGTH)
    np.testing.assert_array_equal(predict(loaded, ids), predict(model, ids))


def test_features(texts):
    model = text_model()
    shapes = {
        "words": (5, 22, 7),
        "tokenizer": (5, 12, 24),
        "mask": (5, 12),
        "block01": (5, 12, 24),
        "attention02": (5, 3, 12, 12),
        "heads02": (5, 12, 3, 8),
        "pooling_weights": (5, 12),
        "classifier": (5, 5),
    }
    ids = padded(texts, LENGTH)
    found = {name: to_array(x) for name, x in feature_extractor(model, list(shapes))(ids).items()}
    assert {name: x.shape for name, x in found.items()} == shapes
    np.testing.assert_allclose(found["classifier"], predict(model, ids), atol=1e-6)
    absent = found["mask"] == 0
    assert absent.any(axis=1).tolist() == [True, True, True, True, False]
    assert not found["pooling_weights"][absent].any()
    assert not found["attention02"][np.broadcast_to(absent[:, None, None], (5, 3, 12, 12))].any()


@once
def test_factories_build_their_variants():
    small = {"vocabulary_size": 30, "word_dim": 12, "length": 8, "classes": 3}
    built = {
        "text_cct_4_k1": models.text_cct(4, 1, **small),
        "text_cvt_2_k2": models.text_cvt(kernel_size=2, **small),
        "text_vit_2_k4": models.text_vit(**small),
        "text_transformer_2": models.text_transformer(**small, embed_dim=12),
    }
    for name, model in built.items():
        assert model.name == name
        assert model.output_shape == (None, 3)
        assert name.startswith(f"{model.config.family}_")


def test_committee(texts):
    words = [f"w{i}" for i in range(WORDS - 2)]
    members = [text_model(vocabulary=words), text_model("text_vit", vocabulary=words)]
    committee = models.soft_committee(members)
    ids = padded(texts, LENGTH)
    parts = [to_array(keras.ops.softmax(member(ids))) for member in members]
    np.testing.assert_allclose(predict(committee, ids), np.mean(parts, 0), atol=1e-5)
    assert committee.config.vocabulary == tuple(words)
    members[1] = text_model("text_vit", vocabulary=words[::-1])
    with pytest.raises(ValueError, match="ids of the same words"):
        models.soft_committee(members)


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"family": "text_rnn"}, "family='text_rnn'"),
        ({"family": "text_transformer"}, "kernel_size=2, word_dim=300, embed_dim=256"),
        ({"padding_id": 20_000}, "padding_id=20000, vocabulary_size=20000"),
        ({"vocabulary": ["a"]}, "1 words, vocabulary_size=20000"),
        ({"vocabulary": "abc", "vocabulary_size": 5}, "vocabulary='abc'"),
        ({"vocabulary": ["a", 1], "vocabulary_size": 4}, r"vocabulary=\('a', 1\)"),
        ({"vocabulary": ["a"], "vocabulary_size": 3, "padding_id": 0}, "padding_id=0"),
        ({"length": 3, "kernel_size": 4}, "length=3, kernel_size=4"),
        ({"pooling": "max"}, "pooling='max'"),
        ({"pooling": "token"}, "pooling='token', family='text_cct'"),
        ({"prefix_kind": "token_image", "conv_prefix": 1, "prefix_pool": [0]}, r"\(0,\)"),
        ({"prefix_kind": "token_image", "conv_prefix": 1, "prefix_filters": [0]}, r"\(0,\)"),
        ({"vocabulary_size": 0}, "vocabulary_size=0"),
    ],
)
def test_config_errors(changes, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        TextConfig(**changes)


@pytest.mark.parametrize("name", ["text_cct_3_k2", "text_cct_2", "text_transformer_2_k4"])
def test_names_outside_of_the_grammar(name):
    with pytest.raises(ValueError, match=f"Received: variant='{name}'"):
        models.create_model(name)


def test_vocabulary_of_a_model():
    model = text_model(vocabulary=("cat", "dog"), vocabulary_size=4)
    assert model.vocabulary.words == ("cat", "dog")
    assert model.vocabulary is model.vocabulary, "built and checked once"
    with pytest.raises(ValueError, match="must be built with a `vocabulary=`"):
        _ = text_model().vocabulary
    assert not hasattr(small_model(), "vocabulary"), "an image model has none"


def test_any_string_has_a_defined_result():
    hebrew = "שלום"
    words = ("cat", "dog", "😀", hebrew, "naïve")
    model = text_model(
        vocabulary=words, vocabulary_size=7, length=6, classifier_activation="softmax"
    )
    randomise(model)

    def logits_of(*texts):
        return predict(model, model.vocabulary(texts))

    strange = [
        "",
        "\0",
        " \t\n",
        "zzz qqq",
        "cat " * 1000,
        "😀😀",
        f"{hebrew} {hebrew}",
        "\ud800",
        "NAÏVE\0dog",
    ]
    found = logits_of(*strange)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
    np.testing.assert_array_equal(found[:3], found[:1].repeat(3, axis=0))  # texts without any word
    np.testing.assert_array_equal(found[7], found[0])
    np.testing.assert_allclose(found[3], logits_of("one two")[0], atol=1e-6)  # unknown words
    np.testing.assert_allclose(found[4], logits_of("cat cat cat cat cat cat")[0], atol=1e-6)
    np.testing.assert_allclose(found[5], logits_of("😀 😀")[0], atol=1e-6)
    np.testing.assert_allclose(
        found[6], logits_of(f"\u202b{hebrew}\u202c, {hebrew}!")[0], atol=1e-6
    )
    np.testing.assert_allclose(found[8], logits_of("naïve dog")[0], atol=1e-6)
    assert np.abs(found[3] - found[0]).max() > 1e-4
