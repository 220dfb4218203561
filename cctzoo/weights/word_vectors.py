"""Loads pretrained word vectors, e.g. GloVe, into a text model."""

import codecs
import logging
from pathlib import Path

import numpy as np
from keras import ops

from cctzoo.arguments import checked_arguments
from cctzoo.models.model import CCT
from cctzoo.models.quantised import is_quantised
from cctzoo.typing import PathLike
from cctzoo.weights.readers import check_file

logger = logging.getLogger(__name__)

WORD, NUMBER = 2**16, 64  # most bytes; a word and 300 numbers take 3 kB


@checked_arguments
def load_word_vectors(model: CCT, path: PathLike) -> int:
    """Copies the vectors of a model's words from a text file, and logs how many were found.

    The file has one line for each word, `WORD NUMBER NUMBER ...`, as GloVe's files do; a first
    line with the two sizes, as word2vec writes it, is skipped. Words are compared in lower case;
    if a word has several lines, the first is used. Words that are missing in the file keep
    their vectors. The file is read line by line; either all vectors are loaded or none.

    Args:
        model: a text `CCT`, not quantised, that was built with a `vocabulary`.
        path: of the file, in UTF-8, not compressed, with vectors of the model's `word_dim`.

    Returns:
        The number of the model's words that the file has.

    Raises:
        ValueError: if the model has no vocabulary, or if the file does not exist, has a line of
            another width, has none of the model's words, or has a vector of such a word that is
            not finite.
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
            f"none of the {len(words)} words"
        )
    embedding.assign(table)
    logger.info(
        "weights: %s of %s words have a vector in %s",
        f"{found:,}",
        f"{len(words):,}",
        Path(path).name,
    )
    return found


def _words(model):
    config = getattr(model, "config", None)
    if not isinstance(model, CCT) or config.kind != "texts":
        raise ValueError(
            "`model` must be a text `CCT`. "
            f"Received: a {type(model).__name__} of family {getattr(config, 'family', None)!r}"
        )
    if config.vocabulary is None:
        raise ValueError(
            "`model` must be built with a `vocabulary`. Received: the model "
            f"{model.name!r}, vocabulary=None"
        )
    if is_quantised(model):
        raise ValueError(f"`model` must not be quantised. Received: the model {model.name!r}")
    return config.vocabulary


def _lines(path, width):
    """Yields (line number, word in lower case, its numbers as bytes) of each line with a vector."""
    most = WORD + NUMBER * width
    with open(path, "rb") as stream:
        # Split at b"\n" and spaces only: some words of GloVe contain a line break of Unicode.
        for line, content in enumerate(iter(lambda: stream.readline(most), b""), start=1):
            if len(content) == most:
                raise _fault(path, line, width, f"more than {most} bytes")
            if line == 1:
                content = content.removeprefix(codecs.BOM_UTF8)
            word, *numbers = content.rstrip(b" \r\n").split(b" ")
            if line == 1 and width > 1 and len(numbers) == 1 and _are_numbers([word, *numbers]):
                continue  # the sizes that word2vec writes
            if len(numbers) > width and not _are_numbers(numbers[:-width]):
                continue  # a word with spaces; GloVe's largest file has a few
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
        with np.errstate(over="ignore"):  # the check below finds it
            vector = np.array([float(number) for number in numbers]).astype("float32")
    except ValueError as error:
        raise _fault(path, line, len(numbers), error) from error
    if not np.isfinite(vector).all():
        raise _fault(path, line, len(numbers), "NaN or an infinite number")
    return vector


def _fault(path, line, width, received):
    return ValueError(
        f"A line must have a word and `word_dim` finite numbers, here {width}. "
        f"Received: {path}, line {line}: {received}"
    )
