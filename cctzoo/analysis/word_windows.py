"""The words of a text that each token of a model covers."""

import numpy as np

from cctzoo.layers.functional import conv_output_size, stride_and_padding
from cctzoo.models import TextConfig
from cctzoo.typing import Array


def shares_of_words(config: TextConfig, maps: Array, words: int) -> Array:
    """Shares the map of a token evenly among the words in its window.

    Args:
        config: a `TextConfig`.
        maps: (..., T), attention maps over the tokens of one text.
        words: number of words of the text, at most `config.length`.

    Returns:
        (..., words) float64, where each map sums to 1.
    """
    shares = np.zeros((*maps.shape[:-1], words))
    for token, window in enumerate(word_windows(config, words)):
        if len(window) and token < maps.shape[-1]:  # later tokens are padding
            shares[..., window.start : window.stop] += maps[..., token, None] / len(window)
    sums = shares.sum(axis=-1, keepdims=True)
    return shares / np.where(sums > 0, sums, 1)


def word_windows(config: TextConfig, words: int) -> list[range]:
    """Finds the words of a text that each of its tokens covers.

    A token of text_cct covers the two convolution outputs that are pooled into it, a token of
    text_cvt or text_vit covers its patch. A convolutional prefix doubles the window wherever
    it halves the sequence. The neighbours that its kernels of 3 words add are left out: they
    lie outside the token's own position. A prefix of kind `"token_image"` keeps the windows.

    Args:
        config: a `TextConfig`.
        words: number of words of the text, at most `config.length`.

    Returns:
        A list of ranges, one for each token except the class token. The range of a token that
        covers only padding is empty.
    """
    size = config.kernel_size
    if not words:
        return []
    if config.family == "text_cct":
        stride, padding = stride_and_padding(size)
        outputs = conv_output_size(words, size, stride, padding)
        spans = []
        for token in range(outputs // 2 + 1):
            first, last = max(2 * token - 1, 0), min(2 * token, outputs - 1)
            spans.append((first * stride - padding, last * stride - padding + size))
    else:
        spans = [(start, start + size) for start in range(0, words, size)]
    for block in range(config.conv_prefix):
        if block in config.block_pool:
            pairs = [spans[i : i + 2] for i in range(0, len(spans), 2)]
            spans = [(pair[0][0], pair[-1][1]) for pair in pairs]
    return [range(max(start, 0), max(min(stop, words), 0)) for start, stop in spans]


def words_per_token(config: TextConfig) -> int:
    """Number of words from one token of a text to the next."""
    step = config.kernel_size
    if config.family == "text_cct":
        step = 2 * stride_and_padding(step)[0]  # two outputs of the convolution
    return step * 2 ** sum(block in config.block_pool for block in range(config.conv_prefix))
