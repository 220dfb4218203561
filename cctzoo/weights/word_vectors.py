"""Trained word vectors, e.g. GloVe's, into a model for texts."""

from pathlib import Path

import numpy as np
from keras import ops

from cctzoo.models.model import CCT
from cctzoo.models.quantised import is_quantised
from cctzoo.weights.checkpoint import check_file

MOST_BYTES = 2**20  # of a line; a word and 300 numbers take 3 kB


def load_word_vectors(model, path):
    """Copies the vectors of a model's words out of a text file; prints how many there were.

    The file has a line for each word, `WORD NUMBER NUMBER ...`, as GloVe's do; a first line
    with the two sizes, as word2vec writes it, is skipped. Words are compared in lower case;
    of several lines for one word the first counts. Words that the file does not have keep
    their vectors. The file is read line by line, and the model filled wholly or not at all.

    Args:
        model: a `CCT` for texts, not quantised, built with a `vocabulary`.
        path: of the file, in UTF-8, not compressed; its vectors are of the model's `word_dim`.

    Returns:
        How many of the words were found.

    Raises:
        ValueError: for a model without words of its own, and for a file that is not there,
            has a line of another width, has no number or an infinite one in the vector of a
            word of the model, or has none of its words.
    """
    words = _words(model)
    check_file(path)
    embedding = model.get_layer("words").table.embeddings
    table = ops.convert_to_numpy(ops.cast(embedding, "float32")).copy()  # (vocabulary, word_dim)
    missing = {word: index for index, word in enumerate(words, start=2)}
    for line, word, numbers in _lines(path, table.shape[1]):
        index = missing.pop(word, None)
        if index is not None:
            table[index] = _vector(path, line, numbers)
        if not missing:
            break
    found = len(words) - len(missing)
    if not found:
        raise ValueError(
            f"`path` must have vectors of the model's words. Received: path={str(path)!r}, with "
            f"none of {len(words)} words"
        )
    embedding.assign(table)
    print(f"weights: {found:,} of {len(words):,} words have a vector in {Path(path).name}")
    return found


def _words(model):
    config = getattr(model, "config", None)
    if not isinstance(model, CCT) or config.kind != "texts":
        raise ValueError(
            "`model` must be a `CCT` for texts: images have no words. "
            f"Received: a {type(model).__name__} of family {getattr(config, 'family', None)!r}"
        )
    if config.vocabulary is None:
        raise ValueError(
            "`model` must know its words: build it with a `vocabulary`. Received: the model "
            f"{model.name!r}, vocabulary=None"
        )
    if is_quantised(model):
        raise ValueError(f"`model` must not be quantised. Received: the model {model.name!r}")
    return config.vocabulary


def _lines(path, width):
    """(line number, word in lower case, its numbers as bytes) of every line with a vector."""
    with open(path, "rb") as stream:
        # By bytes and spaces alone: some of GloVe's words hold what Unicode calls a line's end.
        for line, content in enumerate(iter(lambda: stream.readline(MOST_BYTES), b""), start=1):
            if len(content) == MOST_BYTES:
                raise _fault(path, line, width, f"more than {MOST_BYTES} bytes")
            word, *numbers = content.rstrip(b" \r\n").split(b" ")
            if line == 1 and width > 1 and len(numbers) == 1 and _are_numbers([word, *numbers]):
                continue  # word2vec's sizes
            if len(numbers) > width and not _are_numbers(numbers[:-width]):
                continue  # a word with spaces, of which GloVe's largest file has some
            if numbers or word:
                if len(numbers) != width:
                    raise _fault(path, line, width, f"{len(numbers)}")
                yield line, word.decode("utf-8", "replace").lower(), numbers


def _are_numbers(fields):
    try:
        [float(field) for field in fields]
    except ValueError:
        return False
    return True


def _vector(path, line, numbers):
    try:
        with np.errstate(over="ignore"):  # seen below
            vector = np.array([float(number) for number in numbers]).astype("float32")
    except ValueError as error:
        raise _fault(path, line, len(numbers), error) from error
    if not np.isfinite(vector).all():
        raise _fault(path, line, len(numbers), "NaN or an infinite number")
    return vector


def _fault(path, line, width, received):
    return ValueError(
        f"A line must hold a word and as many finite numbers as `word_dim`, {width}. "
        f"Received: {path}, line {line}: {received}"
    )
