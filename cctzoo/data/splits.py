"""Stratified choices of samples by label: what is held out, and subsets."""

import numpy as np


def hold_out(labels, part, seed):
    """Holds a part of every class out, rounded; one sample of a class is always kept.

    Args:
        labels: (n,) integers.
        part: in [0, 1); above 0 at least one sample is held out.
        seed: of the choice.

    Returns:
        Indices (kept, held out), both ascending.
    """
    rng = np.random.default_rng(seed)
    held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        where = rng.permutation(np.flatnonzero(labels == label))
        held[where[: min(round(part * len(where)), len(where) - 1)]] = True
    if part and not held.any():  # classes so small that each rounds to none
        held[rng.integers(len(labels))] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def hold_out_groups(labels, groups, part, seed):
    """Holds a part of every class out in whole groups; one group of a class is always kept.

    Groups are drawn one after the other, and held out where that brings the class closer to
    its part.

    Args:
        labels: (n,) integers, one for all samples of a group.
        groups: (n,) names.
        part: in [0, 1); above 0 at least one group is held out where a class has two.
        seed: of the choice.

    Returns:
        Indices (kept, held out), both ascending.
    """
    rng = np.random.default_rng(seed)
    names, first, group_of, sizes = np.unique(
        groups.astype(str), return_index=True, return_inverse=True, return_counts=True
    )
    class_of = labels[first]  # of a group
    held = np.zeros(len(names), dtype=bool)
    for label in np.unique(labels):
        drawn = rng.permutation(np.flatnonzero(class_of == label))
        left = part * sizes[drawn].sum()
        for group in drawn[:-1]:  # the last is kept
            if sizes[group] < 2 * left:
                held[group] = True
                left -= sizes[group]
    several = np.flatnonzero(np.bincount(class_of)[class_of] > 1)
    if part and not held.any() and len(several):  # all more than twice as large as the part
        held[several[sizes[several].argmin()]] = True
    return np.flatnonzero(~held[group_of]), np.flatnonzero(held[group_of])


def subset(labels, count, seed):
    """Indices of `count` samples, ascending; every class keeps its share.

    Whole samples of the shares come first, then the largest remainders; equal ones are
    drawn, so that no class is preferred for its number.

    Args:
        labels: (n,) integers.
        count: from 1 to n.
        seed: of the choice.
    """
    rng = np.random.default_rng(seed)
    _, class_of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    wanted, remainder = np.divmod(sizes * count, len(labels))  # whole numbers: exact
    order = np.lexsort((rng.random(len(sizes)), -remainder))
    wanted[order[: count - wanted.sum()]] += 1
    chosen = [
        rng.permutation(np.flatnonzero(class_of == i))[:take] for i, take in enumerate(wanted)
    ]
    return np.sort(np.concatenate(chosen))


def choose(labels, key, count, seed):
    """Indices of `subset`, or a slice of all samples where `count` is None.

    Raises:
        ValueError: if there are not so many; it names `key`, the option that holds `count`.
    """
    if count is None:
        return slice(None)
    if count > len(labels):
        raise ValueError(
            f"`{key}` must not be more than there are. Received: {key}={count}, "
            f"samples={len(labels)}"
        )
    return subset(labels, count, seed)
