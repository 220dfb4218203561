"""The layers of text models against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo.layers import TextLength, TextTokenizer, TokenImagePrefix, TokenMask, WordEmbedding
from cctzoo.layers.text_tokenizer import text_tokens
from tests.layers import reference
from tests.layers.contract import array, check_layer, random_array, randomise

B, L, D = 3, 11, 5
IDS = np.array([[7, 4, 1, 9] + 7 * [1], 11 * [1], list(range(2, 13))], "int32")


def test_length_ends_at_the_last_word():
    length = TextLength()(IDS)
    assert ops.convert_to_numpy(length).tolist() == [[4], [1], [11]]
    other = TextLength(padding_id=0)(IDS * (IDS != 1))
    assert ops.convert_to_numpy(other).tolist() == [[4], [1], [11]]


def test_mask():
    mask = ops.convert_to_numpy(TokenMask(6, extra=1)(np.array([[2], [0], [9]])))
    assert mask.astype(int).tolist() == [[1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0], [1] * 6]


def test_words_are_looked_up_and_padding_is_zeros():
    layer = WordEmbedding(13, D)
    found = array(layer(IDS))
    (table,) = layer.get_weights()
    expected = table[IDS] * (IDS != 1)[..., None]
    np.testing.assert_array_equal(found, expected)
    assert np.abs(table[1]).min() > 0
    plain = WordEmbedding(13, D, padding_id=None)
    plain.build((B, L))
    plain.set_weights([table])
    np.testing.assert_array_equal(array(plain(IDS)), table[IDS])


@pytest.mark.parametrize("layer", [TextLength(2), TokenMask(6, 1), WordEmbedding(13, D, 2)])
def test_config_round_trip(layer):
    clone = type(layer).from_config(layer.get_config())
    assert clone.get_config() == layer.get_config()


@pytest.mark.parametrize(
    "options", [{"kernel_size": 4}, {"kernel_size": 7}, {"kernel_size": 3, "pooling": False}]
)
def test_tokenizer_contract(options, tmp_path):
    tokens = text_tokens(L, options["kernel_size"], options.get("pooling", True))
    check_layer(TextTokenizer, {"filters": 7, **options}, (B, L, D), (B, tokens, 7), tmp_path)


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 7])
def test_tokenizer_equals_numpy(kernel_size):
    """Windows of words, ReLU, the larger of each two neighbours."""
    layer, x = TextTokenizer(7, kernel_size), random_array(B, L, D)
    found = array(layer(x))
    (kernel,) = layer.get_weights()  # (k, 1, D, 7)
    stride, padding = max(1, kernel_size // 2 - 1), max(1, kernel_size // 2)
    padded = np.pad(x, ((0, 0), (padding, padding), (0, 0)))
    starts = range(0, L + 2 * padding - kernel_size + 1, stride)
    windows = [padded[:, i : i + kernel_size].reshape(B, -1) for i in starts]
    mapped = np.maximum(np.stack(windows, 1) @ kernel.reshape(-1, 7), 0)
    mapped = np.pad(mapped, ((0, 0), (1, 1), (0, 0)))
    pairs = [mapped[:, i : i + 2].max(1) for i in range(0, mapped.shape[1] - 1, 2)]
    np.testing.assert_allclose(found, np.stack(pairs, 1), rtol=1e-4, atol=1e-5)
    assert found.shape[1] == text_tokens(L, kernel_size, pooling=True)


def test_patches_equal_numpy():
    layer, x = TextTokenizer(7, 4, pooling=False), random_array(B, L, D)
    found = array(layer(x))
    (kernel,) = layer.get_weights()
    patches = np.pad(x, ((0, 0), (0, 1), (0, 0))).reshape(B, 3, 4 * D)
    np.testing.assert_allclose(found, patches @ kernel.reshape(-1, 7), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", [{"kernel_size": 4}, {"kernel_size": 3, "pooling": False}])
def test_padding_does_not_change_tokens(options):
    layer, x = TextTokenizer(7, **options), random_array(B, L, D)
    lengths = np.array([[6], [11], [4]])
    x *= (np.arange(L) < lengths)[..., None]
    found, tokens = layer(x, lengths)
    for i, (length, count) in enumerate(zip(lengths[:, 0], np.ravel(array(tokens)), strict=True)):
        single = array(layer(x[i : i + 1, :length]))[0]
        assert len(single) == count
        np.testing.assert_allclose(array(found)[i, : len(single)], single, rtol=1e-4, atol=1e-5)


def test_token_image_contract(tmp_path):
    check_layer(TokenImagePrefix, {"filters": [3, 2]}, (B, L, D), (B, L, D), tmp_path)


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_token_image_has_the_activation(name):
    """A block whose kernel keeps the image."""
    layer, x = TokenImagePrefix([1], name), random_array(B, L, D)
    layer.build((B, L, D))
    identity = np.zeros((3, 3, 1, 1))
    identity[1, 1] = 1
    layer.convolutions[0].kernel.assign(identity)
    layer.norms[0].set_weights([np.ones(1), np.zeros(1), np.zeros(1), np.full(1, 1 - 1e-5)])
    layer.merge.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    activation, _ = reference.ACTIVATIONS[name]
    np.testing.assert_allclose(array(layer(x)), activation(x), atol=1e-5)


def test_token_image_refuses_an_unknown_activation():
    with pytest.raises(ValueError, match="Received: activation='tanh'"):
        TokenImagePrefix([1], "tanh")


def test_token_image_sees_tokens_by_width():
    """A kernel that is 1 at its upper left: each number moves by a token and a channel."""
    layer, x = TokenImagePrefix([1]), np.abs(random_array(B, L, D)) + 9  # where GELU(x) = x
    layer.build((B, L, D))
    randomise(layer)
    shift = np.zeros((3, 3, 1, 1))
    shift[0, 0] = 1
    layer.convolutions[0].kernel.assign(shift)
    layer.norms[0].set_weights([np.ones(1), np.zeros(1), np.zeros(1), np.ones(1)])
    layer.merge.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    expected = np.pad(x, ((0, 0), (1, 0), (1, 0)))[:, :-1, :-1]
    np.testing.assert_allclose(array(layer(x)), expected, rtol=1e-4, atol=1e-4)
    lengths = np.array([[2], [11], [5]])
    found, same = layer(x, lengths)
    np.testing.assert_array_equal(np.asarray(array(same)), lengths)
    single = array(layer(x[:1, :2]))
    np.testing.assert_allclose(array(found)[0, :2], single[0], rtol=1e-4, atol=1e-4)


def test_mixed_precision_keeps_ids_and_lengths_exact():
    keras.config.set_dtype_policy("mixed_bfloat16")
    length = TextLength()(IDS + 1000)
    assert keras.backend.standardize_dtype(length.dtype) == "int32"
    words = WordEmbedding(2000, D)(IDS + 1000)
    assert keras.backend.standardize_dtype(words.dtype) == "bfloat16"
