"""The samples that heads answer to most, with planted answers and against the model."""

import numpy as np
import pytest

from cctzoo import analysis
from cctzoo.analysis.answers import as_pictures, collect_samples, strongest
from tests.analysis.trained import labelled, scattered_model
from tests.models.text_models import text_model

pytestmark = pytest.mark.one_backend("torch")  # only NumPy, except for the features
OPTIONS = analysis.ProbeOptions(pooling="mean", l2=0.1)


def measured(model, train, test):
    features = analysis.pool_features(model, train, test, options=OPTIONS)
    return features, analysis.measure(features, "head")


@pytest.fixture(scope="module")
def image_model():
    model = scattered_model(0.5)
    train, test = labelled(model, 40), labelled(model, 12, seed=1)
    return model, test, *measured(model, train, test)


def test_strongest_are_the_samples_with_the_largest_outputs(image_model):
    _, _, features, heads = image_model
    chosen = np.array([2, 3, 5, 7, 11])
    samples, strengths, labels = strongest(heads, features, 1, chosen, 3)
    kernel = heads[1].probe.kernel.reshape(3, 8, 5)
    for head in range(3):
        outputs = features.test["head", 1][chosen, head] @ kernel[head]  # (5, C)
        order = sorted(range(5), key=lambda i: -outputs[i].max())[:3]
        assert samples[head].tolist() == order
        assert labels[head].tolist() == [outputs[i].argmax() for i in order]
        expected = [outputs[i].max() / heads[1].fields[head].max() for i in order]
        np.testing.assert_allclose(strengths[head], expected, rtol=1e-4)


def test_a_head_without_positive_field_has_no_strength(image_model):
    _, _, features, heads = image_model
    block = heads[0]
    block.fields[1] = -1
    _, strengths, _ = strongest(heads, features, 0, np.arange(4))
    assert not strengths[1].any()
    assert strengths.shape == (3, 4)


def test_samples_of_images_have_the_attention_of_their_heads(image_model):
    model, (x, y), features, heads = image_model
    chosen = np.array([1, 4, 6])
    found = collect_samples((model, model), (heads, heads), (features, features), x, chosen, None)
    np.testing.assert_array_equal(found.labels, y[chosen])
    np.testing.assert_array_equal(found.images, x[chosen])
    predicted = np.asarray(model.predict_on_batch(x[chosen])).argmax(axis=1)
    np.testing.assert_array_equal(found.predicted, predicted)
    np.testing.assert_allclose(
        found.rollout.reshape(-1, 3, 4), analysis.attention_rollout(model, x[chosen])
    )
    maps = analysis.attention_maps(model, x[chosen])
    for block, each in found.answers.items():
        for head, samples in enumerate(each.samples):
            expected = maps[block][samples, head].reshape(-1, 12)
            expected = 255 * expected / expected.max(axis=1, keepdims=True)
            np.testing.assert_allclose(each.maps[head], expected, atol=0.51)
    assert found.grid == (3, 4)


def test_samples_of_texts_have_shares_of_words():
    words = [f"w{i}" for i in range(48)]
    model = text_model(vocabulary=words)
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, 1 + i % 7)) for i in range(10)] + [""]
    ids = model.vocabulary(texts)
    y = np.arange(11) % 5
    features, heads = measured(model, (ids, y), (ids, y))
    both = ((model, model), (heads, heads), (features, features))
    found = collect_samples(*both, ids, np.arange(11), texts)
    assert found.images is None
    assert found.words[3] == texts[3].split()
    assert found.rollout.shape == (11, 7)
    expected = analysis.word_saliency(model, texts)
    for words, each in zip(found.saliency(), expected, strict=True):
        assert words == [(word, pytest.approx(share, abs=1e-6)) for word, share in each]
    for each in found.answers.values():
        for samples, maps in zip(each.samples, each.maps, strict=True):
            for sample, reach in zip(samples, maps, strict=True):
                count = len(found.words[sample])
                assert reach.max() == (255 if count else 0)
                assert not reach[count:].any()


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_large_images_are_stored_smaller(channels):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (2, 100, 300, channels))
    found = as_pictures(x, in_pixels=True)
    assert found.shape == (2, 43, 128, 3 if channels == 3 else 1)
    assert found.dtype == "uint8"
    small = rng.standard_normal((2, 4, 6, channels))
    stretched = as_pictures(small, in_pixels=False)
    if channels != 2:
        assert (stretched.min(), stretched.max()) == (0, 255)
