"""Vocabulary: texts to word numbers, without TensorFlow."""

import dataclasses
import functools
import re
import reprlib
from collections import Counter

import numpy as np

UNKNOWN = 0  # every word that the vocabulary does not hold
PADDING = 1  # the authors' convention, torchtext's

# Both are what stands within the brackets of a character class, and mean the same to `re` and
# to RE2, which TensorFlow has: \x and two digits are known to both, \u is not, so that what
# lies above stands there as the characters themselves.
SEPARATORS = (
    r"\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\xa0"  # ASCII but letters and digits, Latin-1's controls
    r"\xa1\xa7\xab\xb6\xb7\xbb\xbf"  # inverted marks, section, paragraph, guillemets, dot
    "\u05be\u060c\u061b\u061f\u06d4\u0964\u0965"  # Hebrew, Arabic, Devanagari
    "\u2000-\u206f"  # dashes, quotation marks, joiners, marks of direction
    "\u3000-\u3003\u3008-\u3011\u3014-\u301f\u30fb"  # Chinese and Japanese
    "\ufe00-\ufe0f\ufeff"  # of variants, e.g. of an emoji in colour; of byte order
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"  # as wide as an ideograph
    "\ufffc\ufffd"  # stands for what is no text
)
# Characters that are words by themselves, beside each other or within a run of letters.
SINGLES = (
    "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"  # emoji, signs, arrows
    "\u3040-\u30fa\u30fc-\u30ff\u3400-\u9fff"  # kana and ideographs: no spaces between words
)
WORD = re.compile(f"[{SINGLES}]|[^{SEPARATORS}{SINGLES}]+")


def split(text):
    """The words of a text, in order: lower-case runs of what is not in `SEPARATORS`.

    A character of `SINGLES` is a word by itself. Half a surrogate pair, which no encoding
    has, separates.

    The same in TensorFlow: `[SINGLES]` replaced by itself between spaces, `[SEPARATORS]` by
    a space, then `tf.strings.lower(x, "utf-8")`, which would end at a NUL, then
    `tf.strings.split`. Letters that are newer than Unicode 13 may have no lower case there.

    Args:
        text: a str.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")  # half a pair becomes "?"
    # Word by word: whether a Greek sigma is a final one depends on what follows.
    return [word.lower() for word in WORD.findall(text)]


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Turns texts into ids (n, length) int32.

    Id 0 stands for every unknown word and id 1 for padding, which follows a short text; the
    words have the ids from 2 on, in their order. A text without words is all padding. What
    comes after `length` words is cut off. Words are what `split` gives.

    Args:
        words: at least one, each of its own.
        length: words of a text that count, at least 1.

    Raises:
        ValueError: if a word is not one that `split` gives, or is there twice.
    """

    words: tuple[str, ...]
    length: int

    def __post_init__(self):
        words = () if isinstance(self.words, str) else tuple(self.words)
        if not words:
            raise ValueError(
                f"`words` must be a sequence of at least one word. Received: words={self.words!r}"
            )
        for word in words:
            if not isinstance(word, str) or split(word) != [word]:
                raise ValueError(
                    "A word must be a str that `split` leaves whole: lower-case, not empty, "
                    f"without separators. Received: {reprlib.repr(word)} in `words`"
                )
        if len(set(words)) < len(words):
            ((word, count),) = Counter(words).most_common(1)
            raise ValueError(f"`words` must differ. Received: {word!r} {count} times")
        _check_whole("length", self.length, 1)
        object.__setattr__(self, "words", words)

    @classmethod
    def fit(cls, texts, size=20_000, length=64, least_count=1):
        """The vocabulary of the most frequent words; equally frequent ones by the alphabet.

        Args:
            texts: a sequence of str.
            size: ids at most, with those of the unknown word and of padding; at least 3.
            length: words of a text that count.
            least_count: a word occurs as often, or is left out; at least 1.

        Raises:
            ValueError: for numbers below that, or texts that hold no such word.
        """
        _check_whole("size", size, 3)
        _check_whole("least_count", least_count, 1)
        counts = Counter()
        for text in _checked(texts):
            counts.update(split(text))
        often = [(word, count) for word, count in counts.items() if count >= least_count]
        if not often:
            raise ValueError(
                "`texts` must hold a word that occurs `least_count` times. Received: "
                f"texts={reprlib.repr(texts)}, least_count={least_count}"
            )
        often.sort(key=lambda pair: (-pair[1], pair[0]))
        return cls(tuple(word for word, _ in often[: size - 2]), length)

    def __len__(self):
        """The number of ids."""
        return 2 + len(self.words)

    def __call__(self, texts):
        """Ids (n, length) int32 of n texts, a sequence of str."""
        texts = _checked(texts)
        ids = np.full((len(texts), self.length), PADDING, "int32")
        for row, text in zip(ids, texts, strict=True):
            known = [self._ids.get(word, UNKNOWN) for word in split(text)[: self.length]]
            row[: len(known)] = known
        return ids

    @functools.cached_property
    def _ids(self):
        return {word: index for index, word in enumerate(self.words, start=2)}


def vocabulary_of(config):
    """The `Vocabulary` of a model for texts.

    Args:
        config: of the model.

    Raises:
        ValueError: for a model that does not know its words.
    """
    words = getattr(config, "vocabulary", None)
    if words is None:
        raise ValueError(
            "The model must be one for texts, built with a `vocabulary`. Received: one without"
        )
    return Vocabulary(words, config.input_shape[0])


def _checked(texts):
    if isinstance(texts, str):
        raise ValueError(
            "`texts` must be a sequence of str, also where it is one text. "
            f"Received: texts={reprlib.repr(texts)}"
        )
    texts = list(texts)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"A text must be a str. Received: texts[{i}]={reprlib.repr(text)}")
    return texts


def _check_whole(name, value, least):
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"`{name}` must be a whole number from {least} on. Received: {name}={value!r}"
        )
