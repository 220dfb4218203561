"""Data sets of texts."""

import dataclasses
from pathlib import Path

import numpy as np

from cctzoo.data.sources.docstrings import load_docstrings
from cctzoo.data.sources.text_files import load_text_file
from cctzoo.data.splits import choose, hold_out, hold_out_groups


@dataclasses.dataclass(frozen=True)
class TextDataset:
    """Texts (n,), an array of str objects, with labels (n,) int64, in three parts.

    The validation part is held out of the training part and may be empty; the test part is
    for the end. `Vocabulary` turns texts into numbers.
    """

    name: str
    classes: list[str]
    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def load_texts(name, validation, seed, train_images, test_images):
    """The `TextDataset` of the docstrings, a CSV or a JSON Lines file; see `data.load`.

    Raises:
        ValueError: for files that do not hold what they have to.
    """
    if name == "docstrings":
        (x_train, y_train, x_test, y_test), classes, objects = load_docstrings()
        own = None
    else:
        kind, _, path = name.partition(":")
        (x_train, y_train, x_test, y_test), classes, own = load_text_file(kind, Path(path))
        objects = None
    train = choose(y_train, "train_images", train_images, seed)
    test = choose(y_test, "test_images", test_images, seed)
    x_train, y_train, x_test, y_test = x_train[train], y_train[train], x_test[test], y_test[test]
    if own is None:
        if objects is None:
            kept, held = hold_out(y_train, validation, seed)
        else:
            kept, held = hold_out_groups(y_train, objects[train], validation, seed)
        own = x_train[held], y_train[held]
        x_train, y_train = x_train[kept], y_train[kept]
    return TextDataset(name, classes, x_train, y_train, *own, x_test, y_test)
