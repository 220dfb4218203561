"""Stratified selection of samples: held-out parts and subsets."""

import re

import numpy as np

from cctzoo.messages import received


def hold_out(labels: np.ndarray, part: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Holds out a rounded share of every class, and keeps at least one sample of each.

    Args:
        labels: (n,) integers.
        part: the share, in [0, 1). If positive, at least one sample is held out.
        seed: seed of the selection.

    Returns:
        (indices kept, indices held out), both ascending.
    """
    rng = np.random.default_rng(seed)
    held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        where = rng.permutation(np.flatnonzero(labels == label))
        held[where[: min(round(part * len(where)), len(where) - 1)]] = True
    if part and not held.any():  # the classes are so small that each share rounds to 0
        held[rng.integers(len(labels))] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def hold_out_groups(
    labels: np.ndarray, groups: np.ndarray, part: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Holds out a share of every class in whole groups, and keeps at least one group of each.

    Groups are drawn in random order. A group is held out if that brings its class closer to
    the share.

    Args:
        labels: (n,) integers; all samples of a group have the same label.
        groups: (n,) group names.
        part: the share, in [0, 1). If positive, at least one group is held out, provided that
            a class has two.
        seed: seed of the selection.

    Returns:
        (indices kept, indices held out), both ascending.
    """
    rng = np.random.default_rng(seed)
    names, first, group_of, sizes = np.unique(
        groups.astype(str), return_index=True, return_inverse=True, return_counts=True
    )
    class_of = labels[first]  # (groups,)
    held = np.zeros(len(names), dtype=bool)
    for label in np.unique(labels):
        drawn = rng.permutation(np.flatnonzero(class_of == label))
        left = part * sizes[drawn].sum()
        for group in drawn[:-1]:  # the last group is always kept
            if sizes[group] < 2 * left:
                held[group] = True
                left -= sizes[group]
    several = np.flatnonzero(np.bincount(class_of)[class_of] > 1)
    if part and not held.any() and len(several):  # every group exceeds twice the share
        held[several[sizes[several].argmin()]] = True
    return np.flatnonzero(~held[group_of]), np.flatnonzero(held[group_of])


def hold_out_fold(
    labels: np.ndarray, fold: str, seed: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Holds out one of several stratified folds, which hold every sample once.

    Args:
        labels: (n,) integers.
        fold: `"2/5"` for the second of five.
        seed: seed of the folds.
        groups: (n,) group names; the samples of a group are in the same fold. Default: every
            sample is a group.

    Returns:
        (indices kept, indices held out), both ascending.

    Raises:
        ValueError: if there are fewer samples, or groups, than folds.
    """
    chosen, count = parse_fold(fold)
    names = np.arange(len(labels)) if groups is None else groups.astype(str)
    _, first, group_of, sizes = np.unique(
        names, return_index=True, return_inverse=True, return_counts=True
    )
    if len(first) < count:
        raise ValueError(
            "There must be a sample for each fold, or a group of samples where they belong "
            f"together. {received(fold=fold, samples=len(first))}"
        )
    rng = np.random.default_rng(seed)
    start, fold_of, filled = 0, np.empty(len(first), int), np.zeros(count, int)
    for label in np.unique(labels):
        of_class = rng.permutation(np.flatnonzero(labels[first] == label))
        if groups is None:  # in turn; each class starts where the last one ended
            fold_of[of_class] = np.arange(start, start + len(of_class)) % count
            start += len(of_class)
            continue
        own = np.zeros(count, int)
        for group in of_class:
            smallest = np.lexsort((filled, own))[0]  # ties: by the samples of all classes
            fold_of[group] = smallest
            own[smallest] += sizes[group]
            filled[smallest] += sizes[group]
    held = fold_of[group_of] == chosen - 1
    return np.flatnonzero(~held), np.flatnonzero(held)


def parse_fold(fold: str) -> tuple[int, int]:
    """Returns (2, 5) for `"2/5"`.

    Raises:
        ValueError: for anything else than two integers, 1 <= the first <= the second >= 2.
    """
    found = isinstance(fold, str) and re.fullmatch("([0-9]{1,6})/([0-9]{1,6})", fold)
    chosen, count = map(int, found.groups()) if found else (0, 0)
    if not (1 <= chosen <= count and count >= 2):
        raise ValueError(
            "`fold` must be the number of a fold and that of all folds, e.g. '2/5'. "
            f"{received(fold=fold)}"
        )
    return chosen, count


def subset(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Selects `count` samples so that every class keeps its share.

    Each class gets the integer part of its share. The remaining samples go to the largest
    remainders; ties are drawn, so that no class is preferred for its number.

    Args:
        labels: (n,) integers.
        count: the number of samples, from 1 to n.
        seed: seed of the selection.

    Returns:
        Ascending indices.
    """
    rng = np.random.default_rng(seed)
    _, class_of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    wanted, remainder = np.divmod(sizes * count, len(labels))  # integers: exact
    order = np.lexsort((rng.random(len(sizes)), -remainder))
    wanted[order[: count - wanted.sum()]] += 1
    chosen = [
        rng.permutation(np.flatnonzero(class_of == i))[:take] for i, take in enumerate(wanted)
    ]
    return np.sort(np.concatenate(chosen))


def choose(labels: np.ndarray, key: str, count: int | None, seed: int) -> np.ndarray | slice:
    """Returns the indices of `subset`, or a slice of all samples if `count` is None.

    Raises:
        ValueError: if there are fewer samples; the error names `key`, the option of `count`.
    """
    if count is None:
        return slice(None)
    if count > len(labels):
        raise ValueError(
            f"`{key}` must not exceed the number of samples. Received: {key}={count}, "
            f"samples={len(labels)}"
        )
    return subset(labels, count, seed)
