"""Stratified choices of images by label: what is held out, and subsets."""

import numpy as np


def hold_out(labels, part, seed):
    """Holds a part of every class out, rounded; one image of a class is always kept.

    Args:
        labels: (n,) integers.
        part: in [0, 1); above 0 at least one image is held out.
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


def subset(labels, count, seed):
    """Indices of `count` images, ascending; every class keeps its share.

    Whole images of the shares come first, then the largest remainders; equal ones are
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
