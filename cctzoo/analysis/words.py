"""From the tokens of a text model back to the words of a text."""

from collections.abc import Sequence

from cctzoo.analysis.attention_maps import attention_rollout
from cctzoo.analysis.checks import check_model
from cctzoo.analysis.roles.relevance import class_relevance
from cctzoo.analysis.word_windows import shares_of_words
from cctzoo.arguments import checked_arguments
from cctzoo.models import CCT
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
    return _by_word(model, texts, lambda ids: attention_rollout(model, ids, batch_size=batch_size))


@checked_arguments
def word_relevance(
    model: CCT, texts: Sequence[str], labels: Array | None = None, *, batch_size: int = 4
) -> list[list[tuple[str, float]]]:
    """Measures how much each word of a text speaks for a class.

    The relevance of a token is shared by words as in `word_saliency`.

    Args:
        model: a `CCT` whose config has a `vocabulary`, which ends with softmax or with logits.
        texts: a sequence of str.
        labels, batch_size: as in `class_relevance`.

    Returns:
        For each text a list of (word, relevance), as in `word_saliency`.

    Raises:
        ValueError: as `word_saliency` and `class_relevance`.
    """
    return _by_word(
        model, texts, lambda ids: class_relevance(model, ids, labels, batch_size=batch_size)
    )


def _by_word(model, texts, measure):
    check_model(model)
    texts = list(texts)
    if model.config.kind != "texts":
        raise ValueError(
            "`model` must be a text model that was built with a `vocabulary=`. "
            f"Received: {model.name!r}, an image model"
        )
    if not texts:
        return []
    found = []
    for text, each in zip(texts, measure(model.vocabulary(texts)), strict=True):
        words = split(text)[: model.config.length]
        shares = shares_of_words(model.config, each, len(words))
        found.append(list(zip(words, shares.tolist(), strict=True)))
    return found
