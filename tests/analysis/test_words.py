"""Windows of words by brute force, and saliency by hand."""

import numpy as np
import pytest

from cctzoo.analysis import attention_rollout, word_saliency
from cctzoo.analysis.word_windows import word_windows, words_per_token
from cctzoo.layers import TextTokenizer
from cctzoo.models import TextConfig, feature_extractor
from tests.layers.contract import randomise
from tests.models.small import small_model, to_array
from tests.models.text_models import WORDS, text_model

once = pytest.mark.one_backend("torch")  # only NumPy
VOCABULARY = [f"w{i}" for i in range(WORDS - 2)]


def seen_by(compute, words, length=13, trials=3):
    """Finds, for each token, the words whose vectors change the token.

    `compute` maps (n, length, 7) and the number of words of the text to (n, T, width).
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((trials, words + 1, length, 7))
    x[:] = x[:, :1]  # row 0 is the text, row i + 1 has another word i
    for word in range(words):
        x[:, word + 1, word] = 3 * rng.standard_normal((trials, 7))
    x[:, :, words:] = 0
    tokens = compute(x.reshape(-1, length, 7).astype("float32"), words)
    tokens = tokens.reshape(trials, words + 1, *tokens.shape[1:])
    changed = (tokens[:, 1:] != tokens[:, :1]).any(axis=(0, 3))  # (words, T)
    return [np.flatnonzero(column).tolist() for column in changed.T]


@once
@pytest.mark.parametrize("family", ["text_cct", "text_cvt", "text_vit"])
@pytest.mark.parametrize("pool", [(), (0,), (0, 1)])
def test_step_of_tokens_is_that_of_their_windows(family, pool):
    config = TextConfig(
        family=family, kernel_size=4, length=160, depth=3, conv_prefix=2, prefix_pool=pool
    )
    starts = [window.start for window in word_windows(config, 160)][2:-2]  # not at the ends
    assert len(starts) > 1
    assert set(np.diff(starts)) == {words_per_token(config)}


@once
@pytest.mark.parametrize("family", ["text_cct", "text_cvt", "text_vit"])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5, 6, 8])
def test_windows_by_brute_force(family, kernel_size):
    config = TextConfig(family=family, kernel_size=kernel_size, length=13)
    layer = TextTokenizer(32, kernel_size, pooling=family == "text_cct")

    def compute(x, words):
        tokens, count = layer(x, np.full((len(x), 1), words))
        return to_array(tokens)[:, : int(count[0, 0])]

    for words in (1, 2, 3, 6, 7, 12, 13):
        found = [list(window) for window in word_windows(config, words)]
        assert found == seen_by(compute, words), words
        assert {word for window in found for word in window} == {*range(words)}
    assert word_windows(config, 0) == []


PREFIXES = {
    "vgg": {"conv_prefix": 2, "prefix_pool": (0,)},
    "depthwise": {"conv_prefix": 2, "prefix_kind": "depthwise", "prefix_pool": (0, 1)},
    "token_image": {"conv_prefix": 1, "prefix_kind": "token_image"},
}


@once
@pytest.mark.parametrize("prefix", PREFIXES)
def test_windows_after_a_prefix(prefix):
    model = text_model(kernel_size=4, length=23, **PREFIXES[prefix])
    randomise(model)
    for variable in model.get_layer("prefix").weights:
        if variable.name == "kernel" and variable.shape[0] == 3:
            kernel = to_array(variable).copy()
            kernel[[0, 2]] = 0
            variable.assign(kernel)

    def compute(x, words):
        lengths = np.full((len(x), 1), words)
        x, lengths = model.get_layer("tokenizer")(x, lengths)
        if prefix != "token_image":
            x = x[:, :, None]
        x, lengths = model.get_layer("prefix")(x, lengths)
        return to_array(x).reshape(len(x), x.shape[1], -1)[:, : int(lengths[0, 0])]

    for words in (1, 2, 9, 16, 23):
        found = [list(window) for window in word_windows(model.config, words)]
        assert found == seen_by(compute, words, 23, trials=8), words


@once
def test_prefix_keeps_a_single_token():
    config = TextConfig(
        family="text_cvt", kernel_size=2, length=4, conv_prefix=2, prefix_pool=(0, 1)
    )
    assert config.grids == [(2,), (1,), (1,)]
    assert word_windows(config, 4) == [range(4)]
    assert word_windows(config, 1) == [range(1)]


TEXTS = ["W1, w2; unheard w3!", "", "w4", " ".join(VOCABULARY)]
WINDOWS = {  # word indices, for the four words of the first text
    "text_cct": [(0, 1), (0, 1, 2, 3), (1, 2, 3)],
    "text_cvt": [(0, 1, 2), (3,)],
    "text_transformer": [(0,), (1,), (2,), (3,)],
}


@once
@pytest.mark.parametrize("family", WINDOWS)
def test_saliency_shares_the_rollout_among_the_words_of_a_window(family):
    model = text_model(family, vocabulary=VOCABULARY)
    randomise(model)
    assert word_saliency(model, []) == []
    found = word_saliency(model, TEXTS, batch_size=3)
    words = [[word for word, _ in each] for each in found]
    assert words == [["w1", "w2", "unheard", "w3"], [], ["w4"], VOCABULARY[:22]]
    for each in (found[0], found[2], found[3]):
        assert sum(value for _, value in each) == pytest.approx(1)
        assert min(value for _, value in each) > 0
    reach = attention_rollout(model, model.vocabulary(TEXTS))[0]
    expected = np.zeros(4)
    for share, window in zip(reach, WINDOWS[family], strict=False):
        for word in window:
            expected[word] += share / len(window)
    np.testing.assert_allclose([value for _, value in found[0]], expected, rtol=1e-4)


def test_saliency_leaves_out_tokens_without_words():
    """With kernels of one word, the first window and often the last hold only padding."""
    model = text_model(kernel_size=1, vocabulary=VOCABULARY)
    randomise(model)
    windows = word_windows(model.config, 4)
    assert [len(window) for window in windows] == [0, 2, 2, 0]
    ((_, a), (_, b), (_, c), (_, d)) = word_saliency(model, ["w1 w2 w3 w4"])[0]
    reach = attention_rollout(model, model.vocabulary(["w1 w2 w3 w4"]))[0]
    assert a == b == pytest.approx(reach[1] / (reach[1] + reach[2]) / 2, rel=1e-4)
    assert a + b + c + d == pytest.approx(1)


@once
def test_invalid_arguments():
    for other in (text_model(), small_model()):
        with pytest.raises(ValueError, match="built with a `vocabulary=`"):
            word_saliency(other, ["w0"])
    model = text_model(vocabulary=VOCABULARY)
    with pytest.raises(ValueError, match="Received: texts='w0 w1'"):
        word_saliency(model, "w0 w1")
    with pytest.raises(ValueError, match="`model` must be a CCT"):
        word_saliency(feature_extractor(model, ["mask"]), ["w0"])
