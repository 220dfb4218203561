"""Vocabulary: words and ids of any text, and the same words in TensorFlow."""

import dataclasses
import re
import sys
import unicodedata

import numpy as np
import pytest

from cctzoo.models.vocabulary import SEPARATORS, SINGLES, Vocabulary, split

pytestmark = pytest.mark.one_backend("tensorflow")  # compared with TensorFlow's string operations

TEXTS = ["The cat sat.", "the dog sat on THE mat", "a cat"]
FINAL_SIGMA = "ΟΔΟΣ ΣΑΣ:Σ"  # a final sigma ends a word of several letters


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat, the DOG's mat_2!", ["the", "cat", "the", "dog", "s", "mat", "2"]),
        ("", []),
        (" \t\n ...", []),
        ("a\0b\0", ["a", "b"]),
        ("naïve Straße \u2014 «déjà vu»", ["naïve", "straße", "déjà", "vu"]),
        ("so😀😀good ❤\ufe0f 👍🏽", ["so", "😀", "😀", "good", "❤", "👍", "🏽"]),
        ("5⭐in 1⏰!", ["5", "⭐", "in", "1", "⏰"]),
        ("\u200fשלום, עולם\u202c مرحبا؟", ["שלום", "עולם", "مرحبا"]),  # noqa: RUF001
        ("猫が好き。ok", ["猫", "が", "好", "き", "ok"]),
        ("ab\ud800cd \udfff", ["ab", "cd"]),  # halves of surrogate pairs
        (FINAL_SIGMA, ["οδος", "σας", "\u03c3"]),
        ("x" * 100_000, ["x" * 100_000]),
    ],
)
def test_words_of_a_text(text, words):
    assert split(text) == words


def test_split_is_idempotent_for_every_character():
    """Otherwise a vocabulary could not hold some words that `split` returns."""
    for code in range(0x20000):  # above: ideographs and code points without a character
        for word in split(f"a{chr(code)}B"):
            assert split(word) == [word], hex(code)


def test_tensorflow_splits_equally():
    tf = pytest.importorskip("tensorflow")
    mixed = ["İ a\0b Σ", FINAL_SIGMA, "", "so😀😀GOOD ❤\ufe0f", "猫が好き。", *TEXTS]
    # TensorFlow may lack the lower case of letters newer than Unicode 3.2.
    assigned = unicodedata.ucd_3_2_0.category
    codes = [i for i in range(1, sys.maxunicode + 1) if assigned(chr(i)) not in ("Cn", "Cs", "Co")]
    texts = mixed + [f"A{chr(code)}B" for code in codes]
    x = tf.constant([text.encode() for text in texts])
    x = tf.strings.regex_replace(x, f"[{SINGLES}]", r" \0 ")
    x = tf.strings.regex_replace(x, f"[{SEPARATORS}]", " ")
    words = tf.strings.split(tf.strings.lower(x, "utf-8")).to_list()
    assert len(codes) > 90_000
    for text, found in zip(texts, words, strict=True):
        assert [word.decode() for word in found] == split(text), ascii(text)


def test_ids():
    vocabulary = Vocabulary(["cat", "sat", "the"], length=4)
    assert len(vocabulary) == 5
    ids = vocabulary(["The cat sat", "", "Dog cat", "sat sat the cat dog", "?"])
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(
        ids, [[4, 2, 3, 1], [1, 1, 1, 1], [0, 2, 1, 1], [3, 3, 4, 2], [1, 1, 1, 1]]
    )


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda texts: np.array(texts, object)])
def test_any_sequence_of_texts(kind):
    vocabulary = Vocabulary(("cat",), 2)
    np.testing.assert_array_equal(vocabulary(kind(["cat", "a cat"])), [[2, 1], [0, 2]])
    assert vocabulary(kind([])).shape == (0, 2)


def test_fitted_words_are_the_most_frequent_ones():
    fitted = Vocabulary.fit(TEXTS)
    assert fitted.words == ("the", "cat", "sat", "a", "dog", "mat", "on")
    assert fitted.length == 64
    assert Vocabulary.fit(TEXTS[::-1]) == fitted
    assert Vocabulary.fit(TEXTS, size=4).words == ("the", "cat")
    assert len(Vocabulary.fit(TEXTS, size=4)) == 4
    assert Vocabulary.fit(TEXTS, least_count=2, length=3) == Vocabulary(("the", "cat", "sat"), 3)


def test_immutable():
    words = ["cat"]
    vocabulary = Vocabulary(words, 2)
    words.append("dog")
    assert vocabulary.words == ("cat",)
    with pytest.raises(dataclasses.FrozenInstanceError):
        vocabulary.length = 3


@pytest.mark.parametrize(
    ("words", "length", "received"),
    [
        ((), 4, "words=()"),
        ("cat", 4, "words='cat'"),
        (["cat", "dog", "cat"], 4, "'cat' 2 times"),
        (["cat", ""], 4, "''"),
        (["Cat"], 4, "'Cat'"),
        (["black cat"], 4, "'black cat'"),
        (["cat\0"], 4, "'cat\\x00'"),
        (["a😀"], 4, "'a😀'"),
        (["\ud800"], 4, "'\\ud800'"),
        ([b"cat"], 4, "b'cat'"),
        (["cat"], 0, "length=0"),
        (["cat"], 2.0, "length=2.0"),
        (["cat"], True, "length=True"),
    ],
)
def test_invalid_vocabularies(words, length, received):
    with pytest.raises(ValueError, match=f"Received: {re.escape(received)}"):
        Vocabulary(words, length)


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"size": 2}, "size=2"),
        ({"size": 3.0}, "size=3.0"),
        ({"length": 0}, "length=0"),
        ({"least_count": 0}, "least_count=0"),
        ({"least_count": 4}, "texts=['The cat sat.', 'the dog sat on THE mat', 'a cat'], least_co"),
        ({"texts": ["", "?"]}, "texts=['', '?'], least_count=1"),
        ({"texts": "a cat"}, "texts='a cat'"),
        ({"texts": ["a", None]}, "texts[1]=None"),
    ],
)
def test_invalid_arguments_of_fit(options, received):
    with pytest.raises(ValueError, match=f"Received: {re.escape(received)}"):
        Vocabulary.fit(**{"texts": TEXTS} | options)


@pytest.mark.parametrize(
    ("texts", "received"),
    [
        ("a cat", "texts='a cat'"),
        (b"cat", "texts[0]=99"),
        (["a", 2], "texts[1]=2"),
        (["a", b"cat"], "texts[1]=b'cat'"),
        (np.array([["cat"]]), "texts[0]=array(['cat']"),
    ],
)
def test_invalid_texts(texts, received):
    with pytest.raises(ValueError, match=f"Received: {re.escape(received)}"):
        Vocabulary(["cat"], 2)(texts)
