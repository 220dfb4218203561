"""Data sets of texts."""

from pathlib import Path

from cctzoo.data.dataset import Dataset
from cctzoo.data.sources.docstrings import load_docstrings
from cctzoo.data.sources.text_files import load_text_file
from cctzoo.data.splits import choose, hold_out, hold_out_groups


def load_texts(name, validation, seed, train_samples, test_samples):
    """The `Dataset` of the docstrings, a CSV or a JSON Lines file; see `data.load`.

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
    train = choose(y_train, "train_samples", train_samples, seed)
    test = choose(y_test, "test_samples", test_samples, seed)
    x_train, y_train, x_test, y_test = x_train[train], y_train[train], x_test[test], y_test[test]
    if own is None:
        if objects is None:
            kept, held = hold_out(y_train, validation, seed)
        else:
            kept, held = hold_out_groups(y_train, objects[train], validation, seed)
        own = x_train[held], y_train[held]
        x_train, y_train = x_train[kept], y_train[kept]
    return Dataset(name, classes, x_train, y_train, *own, x_test, y_test, kind="texts")
