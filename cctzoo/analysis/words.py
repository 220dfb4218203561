"""From the tokens of a text model back to the words of a text."""

from collections.abc import Sequence

import numpy as np

from cctzoo.analysis.attention_maps import attention_rollout
from cctzoo.analysis.checks import check_model
from cctzoo.arguments import checked_arguments
from cctzoo.layers.functional import conv_output_size, stride_and_padding
from cctzoo.models import CCT, TextConfig
from cctzoo.models.vocabulary import split
from cctzoo.typing import Array


@checked_arguments
def word_saliency(
    model: CCT, texts: Sequence[str], *, batch_size: int = 8
) -> list[list[tuple[str, float]]]:
    """Measures how much each word of a text contributes to the pooled result.

    The attention rollout of a token is shared evenly by the words in the window of the token,
    see `word_windows`. Tokens without a word in their window are left out.

    Args:
        model: a `CCT` whose config has a `vocabulary`.
        texts: a sequence of str.
        batch_size: as in `attention_rollout`.

    Returns:
        For each text a list of (word, saliency). The words are those of
        `models.vocabulary.split`, cut at the length of the model. The saliencies of a text
        sum to 1. The list of a text without words is empty.

    Raises:
        ValueError: for an image model or a text model that was built without a `vocabulary`, or
            if `texts` is not a sequence of str.
    """
    check_model(model)
    texts = list(texts)
    if model.config.kind != "texts":
        raise ValueError(
            "`model` must be a text model that was built with a `vocabulary=`. "
            f"Received: {model.name!r}, an image model"
        )
    if not texts:
        return []
    maps = attention_rollout(model, model.vocabulary(texts), batch_size=batch_size)  # (n, T)
    found = []
    for text, reach in zip(texts, maps, strict=True):
        words = split(text)[: model.config.length]
        shares = shares_of_words(model.config, reach, len(words))
        found.append(list(zip(words, shares.tolist(), strict=True)))
    return found


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
