"""Models with polynomial attention, and `with_attention`."""

import keras
import numpy as np
import pytest

from cctzoo.models import CCT, feature_extractor, with_attention
from tests.models.small import images, predict, small_model
from tests.models.text_models import padded, text_model

TOKENS = {"kernel_size": 3, "heads": 6}  # 48 tokens in heads of 4: the linear form


def test_a_model_trains_saves_and_loads(tmp_path):
    model = small_model(attention=["softmax", "polynomial"], attention_dropout=0.2, **TOKENS)
    x, y = images(model, 8), np.arange(8) % 5
    model.compile(keras.optimizers.AdamW(3e-3), "sparse_categorical_crossentropy")
    losses = model.fit(x, y, batch_size=4, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.config.attention == ("softmax", "polynomial")
    np.testing.assert_allclose(predict(loaded, x), predict(model, x), atol=1e-6)


def test_padding_does_not_change_the_output_of_a_text_model():
    options = {"attention": "polynomial", "positional_embedding": "sine", "heads": 12}
    short, long = (text_model(length=length, **options) for length in (24, 40))
    long.set_weights(short.get_weights())
    texts = [[2, 3, 4], list(range(2, 26)), []]
    expected = predict(short, padded(texts, 24))
    np.testing.assert_allclose(predict(long, padded(texts, 40)), expected, atol=1e-5)


@pytest.mark.one_backend("torch")
def test_scores_are_a_feature():
    model = small_model(attention="polynomial", **TOKENS)
    scores = predict(feature_extractor(model, ["attention01"]), images(model))["attention01"]
    assert scores.shape == (3, 6, 48, 48)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)
    assert scores.min() > 0


@pytest.mark.one_backend("torch")
def test_with_attention_keeps_the_weights():
    model = small_model(dtype="mixed_bfloat16", **TOKENS)
    model.get_layer("block00").trainable = False
    before = model.get_weights()
    fast = with_attention(model, "polynomial", name="fast")
    assert (type(fast), fast.name, fast.config.attention) == (CCT, "fast", "polynomial")
    assert (model.config.attention, fast.dtype_policy) == ("softmax", model.dtype_policy)
    assert [layer.trainable for layer in fast.layers] == [layer.trainable for layer in model.layers]
    fast.set_weights([weight + 1 for weight in fast.get_weights()])
    for mine, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    x = images(model)
    again = with_attention(with_attention(model, ["polynomial"] * 2), "softmax")
    np.testing.assert_array_equal(predict(again, x), predict(model, x))
    assert not np.allclose(predict(with_attention(model, "polynomial"), x), predict(model, x))


@pytest.mark.one_backend("torch")
@pytest.mark.parametrize("attention", ["linear", ["softmax"], 3])
def test_with_attention_refuses_unknown_kinds(attention):
    with pytest.raises((ValueError, TypeError), match="Received: attention="):
        with_attention(small_model(), attention)
