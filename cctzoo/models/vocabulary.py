"""Vocabulary: texts to token ids, without TensorFlow."""

import dataclasses
import functools
import re
import reprlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from cctzoo import limits
from cctzoo.arguments import checked_arguments
from cctzoo.messages import received
from cctzoo.plain_values import is_integer, plain
from cctzoo.typing import Array

UNKNOWN = 0  # the id of all words outside of the vocabulary
PADDING = 1  # as in torchtext, which the authors use

# SEPARATORS and SINGLES go between the brackets of a character class, both for `re` and for
# RE2, TensorFlow's library. Both understand \x with two digits, but RE2 does not know \u: later
# characters therefore stand in the pattern themselves.
SEPARATORS = (
    r"\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\xa0"  # ASCII without letters and digits, Latin-1 controls
    r"\xa1\xa7\xab\xb6\xb7\xbb\xbf"  # inverted marks, section, paragraph, guillemets, dot
    "\u05be\u060c\u061b\u061f\u06d4\u0964\u0965"  # Hebrew, Arabic, Devanagari
    "\u2000-\u206f"  # dashes, quotation marks, joiners, marks of direction
    "\u3000-\u3003\u3008-\u3011\u3014-\u301f\u30fb"  # Chinese and Japanese
    "\ufe00-\ufe0f\ufeff"  # variation selectors (emoji in colour), byte order mark
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"  # full-width forms
    "\ufffc\ufffd"  # object and replacement characters
)
# Each of these characters is a word, also next to another one or inside a run of letters.
SINGLES = (
    "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"  # emoji, signs, arrows
    "\u3040-\u30fa\u30fc-\u30ff\u3400-\u9fff"  # kana and ideographs: no spaces between words
)
WORD = re.compile(f"[{SINGLES}]|[^{SEPARATORS}{SINGLES}]+")


def split(text: str) -> list[str]:
    """The words of a text in lower case, in order.

    A word is a run of characters outside of `SEPARATORS`; each character of `SINGLES` is one
    word. Half a surrogate pair, which has no encoding, counts as a separator.

    To get the same words in TensorFlow: put spaces around `[SINGLES]`, replace `[SEPARATORS]`
    by a space, then apply `tf.strings.lower(x, "utf-8")` and `tf.strings.split`. The order
    matters: `tf.strings.lower` would stop at a NUL. TensorFlow may lack the lower case of
    letters newer than Unicode 13.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")  # half a pair becomes "?"
    # Word by word: the lower case of a Greek sigma depends on the character that follows.
    return [word.lower() for word in WORD.findall(text)]


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Turns texts into token ids: a sequence of n str -> (n, length) int32.

    `split` cuts a text into words. Id 0 stands for every unknown word, id 1 for padding, and
    the ids from 2 on for `words` in their order. A text of more than `length` words is cut; a
    shorter one is filled up with padding at its end.

    Args:
        words: at least one word, without repetition.
        length: number of ids per text, at least 1.

    Raises:
        ValueError: if `split` would change or cut one of `words`, or if a word is repeated.
    """

    words: tuple[str, ...]
    length: int

    def __post_init__(self) -> None:
        words = plain("words", self.words)
        if not isinstance(words, tuple) or not words:
            raise ValueError(
                f"`words` must be a sequence of at least one word. {received(words=self.words)}"
            )
        for word in words:
            if not isinstance(word, str) or split(word) != [word]:
                raise ValueError(
                    "A word must be a str that `split` does not change: in lower case, not empty, "
                    f"without separators. Received: {reprlib.repr(word)} in `words`"
                )
        if len(set(words)) < len(words):
            ((word, count),) = Counter(words).most_common(1)
            raise ValueError(f"`words` must not repeat a word. Received: {word!r} {count} times")
        object.__setattr__(self, "length", plain("length", self.length))
        _check_whole("length", self.length, 1)
        limits.check("positions", self.length, "`length`", length=self.length)
        object.__setattr__(self, "words", words)

    @classmethod
    @checked_arguments
    def fit(
        cls, texts: Iterable[str], size: int = 20_000, length: int = 64, least_count: int = 1
    ) -> "Vocabulary":
        """The vocabulary of the most frequent words; equally frequent ones in alphabetical order.

        Args:
            texts: a sequence of str.
            size: maximum number of ids, the two for unknown words and padding included; at
                least 3.
            length: number of ids per text, at least 1.
            least_count: minimum number of occurrences for a word to be kept, at least 1.

        Raises:
            ValueError: for a number out of its range, or if no word occurs often enough.
        """
        _check_whole("size", size, 3)
        _check_whole("least_count", least_count, 1)
        counts = Counter()
        for text in _checked(texts):
            counts.update(split(text))
        often = [(word, count) for word, count in counts.items() if count >= least_count]
        if not often:
            raise ValueError(
                "`texts` must hold at least one word that occurs `least_count` times. Received: "
                f"texts={reprlib.repr(texts)}, least_count={least_count}"
            )
        often.sort(key=lambda pair: (-pair[1], pair[0]))
        return cls(tuple(word for word, _ in often[: size - 2]), length)

    def __len__(self) -> int:
        """The number of ids."""
        return 2 + len(self.words)

    def __call__(self, texts: Iterable[str]) -> Array:
        """The ids (n, length) int32 of n texts."""
        texts = _checked(texts)
        ids = np.full((len(texts), self.length), PADDING, "int32")
        for row, text in zip(ids, texts, strict=True):
            known = [self._ids.get(word, UNKNOWN) for word in split(text)[: self.length]]
            row[: len(known)] = known
        return ids

    @functools.cached_property
    def _ids(self):
        return {word: index for index, word in enumerate(self.words, start=2)}


def vocabulary_of(config: Any) -> Vocabulary:
    """The `Vocabulary` of a text model.

    Args:
        config: config of the model.

    Raises:
        AttributeError: for an image model.
        ValueError: for a text model that was built without a `vocabulary`.
    """
    if config.kind != "texts":
        raise AttributeError("Only text models have a `vocabulary`. Received: an image model")
    if config.vocabulary is None:
        raise ValueError(
            "The text model must be built with a `vocabulary=` of its words to turn texts into "
            "ids. Received: vocabulary=None"
        )
    return Vocabulary(config.vocabulary, config.input_shape[0])


def _checked(texts):
    if isinstance(texts, str):
        raise ValueError(
            "`texts` must be a sequence of str; put a single text into a list. "
            f"Received: texts={reprlib.repr(texts)}"
        )
    texts = list(texts)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"A text must be a str. Received: texts[{i}]={reprlib.repr(text)}")
    return texts


def _check_whole(name, value, least):
    if not is_integer(value) or value < least:
        raise ValueError(
            f"`{name}` must be an integer of at least {least}. {received(**{name: value})}"
        )
