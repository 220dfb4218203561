"""Divides the samples that a source has loaded into a training, a validation and a test part."""

import warnings

import numpy as np

from cctzoo.data.dataset import Dataset
from cctzoo.data.sources.parts import Parts
from cctzoo.data.splits import choose, hold_out, hold_out_fold, hold_out_groups

SHOWN = 5  # classes that a warning names


def divide(
    parts: Parts,
    name: str,
    validation: float,
    seed: int,
    *,
    train_samples: int | None = None,
    test_samples: int | None = None,
    fold: str | None = None,
) -> Dataset:
    """Returns the data set of loaded parts; the other arguments are those of `load`.

    Raises:
        ValueError: if there are fewer samples than `train_samples` or `test_samples`, or than
            folds.
    """
    train = choose(parts.y_train, "train_samples", train_samples, seed)
    test = choose(parts.y_test, "test_samples", test_samples, seed)
    x, y = parts.x_train[train], parts.y_train[train]
    rows = (np.arange(len(parts.y_train)) if parts.rows is None else parts.rows)[train]
    if fold is None and parts.validation is not None:
        held, kept = rows[:0], slice(None)
        x_validation, y_validation = parts.validation
    else:
        kept, held = _held_out(parts, y, train, validation, seed, fold)
        if fold is not None and parts.validation is not None:
            warnings.warn(
                f"The fold {fold} of the training samples takes the place of the validation part "
                f"of {name!r}: its {len(parts.validation[1])} samples are not used",
                stacklevel=4,
            )
        x_validation, y_validation, held = x[held], y[held], rows[held]
    x_train, y_train = x[kept], y[kept]
    _warn_of_empty_classes(name, parts.classes, y_train)
    return Dataset(
        name=name,
        classes=parts.classes,
        x_train=x_train,
        y_train=y_train,
        x_validation=x_validation,
        y_validation=y_validation,
        x_test=parts.x_test[test],
        y_test=parts.y_test[test],
        kind=parts.kind,
        validation_rows=held,
    )


def _held_out(parts, y, train, validation, seed, fold):
    """(kept, held out): indices of the chosen training samples, whose labels are `y`."""
    groups = None if parts.groups is None else parts.groups[train]
    if fold is not None:
        return hold_out_fold(y, fold, seed, groups)
    if groups is None:
        return hold_out(y, validation, seed)
    return hold_out_groups(y, groups, validation, seed)


def _warn_of_empty_classes(name, classes, y_train):
    counts = np.bincount(y_train, minlength=len(classes))
    empty = [str(classes[i]) for i in np.flatnonzero(counts == 0)]
    if empty:
        shown = ", ".join(empty[:SHOWN]) + (", ..." if len(empty) > SHOWN else "")
        warnings.warn(
            f"{len(empty)} of the {len(classes)} classes of {name!r} have no training sample: "
            f"{shown}",
            stacklevel=5,
        )
