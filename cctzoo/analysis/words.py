"""From tokens back to the words of a text."""

import numpy as np

from cctzoo.analysis.attention_maps import attention_rollout
from cctzoo.analysis.labelled import check_model
from cctzoo.layers.functional import conv_output_size, stride_and_padding
from cctzoo.models.vocabulary import split


def word_saliency(model, texts, *, batch_size=8):
    """How much each word of a text reaches the pooled result.

    The rollout of a token is shared evenly by the words of the text that its window saw, see
    `word_windows`; tokens that saw none are left out.

    Args:
        model: a `CCT` whose config has a `vocabulary`.
        texts: a sequence of str.
        batch_size: as in `attention_rollout`.

    Returns:
        For each text a list of (word, saliency), the words as `models.vocabulary.split` gives
        them, cut at the model's length; they sum to 1. A text without words has none.

    Raises:
        ValueError: for a model without a vocabulary, or what is no text.
    """
    check_model(model)
    maps = attention_rollout(model, model.vocabulary(texts), batch_size=batch_size)  # (n, T)
    found = []
    for text, reach in zip(texts, maps, strict=True):
        words = split(text)[: model.config.length]
        windows = word_windows(model.config, len(words))
        saliency = np.zeros(len(words))
        for window, share in zip(windows, reach, strict=False):  # what follows is padding
            if len(window):
                saliency[window.start : window.stop] += share / len(window)
        saliency /= saliency.sum() or 1
        found.append(list(zip(words, saliency.tolist(), strict=True)))
    return found


def word_windows(config, words):
    """Which words of a text each of its tokens covers.

    A token of text_cct covers the two convolution outputs that are pooled, one of text_cvt or
    text_vit its patch. A prefix of convolutions doubles that wherever it halves the sequence;
    its 3-word kernels are left out, for what they add is beside the token's own place. One of
    kind `"token_image"` keeps the places.

    Args:
        config: a `TextConfig`.
        words: of the text, at most `config.length`.

    Returns:
        A list of ranges, one for each token without a class token; empty where a token covers
        padding alone.
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
