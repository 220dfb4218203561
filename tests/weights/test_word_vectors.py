"""Word vectors from a text file: the rows that they are copied to, and refusals."""

import re

import numpy as np
import pytest

from cctzoo.models import CCT, TextConfig, soft_committee
from cctzoo.weights import load_word_vectors
from tests.models.small import small_model

WORDS = ("the", "cat", "über", "a5", "naïve")
once = pytest.mark.one_backend("torch")  # reading does not depend on the backend


def text_model(**changes):
    options = {"depth": 1, "embed_dim": 8, "heads": 2, "word_dim": 3, "length": 5}
    return CCT(
        TextConfig(**{**options, "vocabulary": WORDS, "vocabulary_size": 7, **changes}), "small"
    )


def table(model):
    return np.array(model.get_layer("words").get_weights()[0])


def test_rows(tmp_path, caplog):
    """Header, capitals, a word twice, words with spaces or invalid bytes, trailing blanks."""
    path = tmp_path / "vectors.txt"
    path.write_bytes(
        b"7 3\r\nThe 1 2 3\nthe 4 5 6\n. . . 7 8 9\n\x85\xc2\x85 1 1 1\n"
        + "ÜBER -1e-3 .5 2E1 \n\ncat 0 0 0.25".encode()
    )
    model = text_model()
    before = table(model)
    assert load_word_vectors(model, path) == 3
    assert caplog.messages == ["weights: 3 of 5 words have a vector in vectors.txt"]
    after = table(model)
    expected = np.array([[1, 2, 3], [0, 0, 0.25], [-1e-3, 0.5, 20]], "float32")
    np.testing.assert_array_equal(after[2:5], expected)
    np.testing.assert_array_equal(after[[0, 1, 5, 6]], before[[0, 1, 5, 6]])


@once
@pytest.mark.parametrize("start", ["", "2 3\n"])
def test_byte_order_mark(tmp_path, start):
    path = tmp_path / "a.txt"
    path.write_text(f"{start}the 1 2 3\ncat 4 5 6\n", encoding="utf-8-sig")
    model = text_model()
    assert load_word_vectors(model, path) == 2
    assert table(model)[2:4].tolist() == [[1, 2, 3], [4, 5, 6]]


@once
def test_numbers_as_words(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("5 2\n6 3\n")
    model = text_model(word_dim=1, vocabulary=("6", "5"), vocabulary_size=4)
    assert load_word_vectors(model, path) == 2
    assert table(model)[2:, 0].tolist() == [3, 2]


@once
@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("dog 1 2 3\nthe 1 2\n", "line 2: 2"),
        ("dog 1 2 3 4\n", "line 1: 4"),
        ("400000 4\nthe 1 2 3 4\n", "line 2: 4"),
        ("cat 1 2 3\nthe 1 2 x\n", "line 2: could not convert string to float: b'x'"),
        ("cat 1 2 3\nthe 1 nan 3\n", "line 2: NaN"),
        ("the 1 2 1e39\n", "line 1: NaN or an infinite number"),
        ("the" * 400_000, "line 1: more than 6"),
        ("dog 1 2 3\n", "with none of the 5 words"),
        ("", "with none of the 5 words"),
    ],
)
def test_invalid_files_change_nothing(text, received, tmp_path):
    (tmp_path / "a.txt").write_text(text)
    model = text_model()
    before = table(model)
    with pytest.raises(ValueError, match=f"Received: .*{re.escape(received)}"):
        load_word_vectors(model, tmp_path / "a.txt")
    np.testing.assert_array_equal(table(model), before)


@once
def test_models_without_a_vocabulary_are_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("the 1 2 3\n")
    unknown = text_model(vocabulary=None)
    committee = soft_committee([text_model()])
    for model, received in (
        (unknown, "vocabulary=None"),
        (small_model(), "of family 'cct'"),
        (committee, "<SoftCommittee"),
    ):
        with pytest.raises(ValueError, match=received):
            load_word_vectors(model, path)
    with pytest.raises(ValueError, match=r"none\.txt"):
        load_word_vectors(text_model(), tmp_path / "none.txt")
