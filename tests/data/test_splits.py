"""Stratified splits and subsets of sorted labels."""

import numpy as np
import pytest

from cctzoo.data.splits import choose, hold_out, hold_out_fold, hold_out_groups, subset

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files

LABELS = np.repeat([0, 1, 2, 5], [50, 30, 20, 1])


def test_hold_out_is_stratified():
    kept, held = hold_out(LABELS, 0.1, seed=1)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(101))
    np.testing.assert_array_equal(np.bincount(LABELS[held], minlength=6), [5, 3, 2, 0, 0, 0])
    assert not np.array_equal(held, hold_out(LABELS, 0.1, seed=2)[1])
    np.testing.assert_array_equal(held, hold_out(LABELS, 0.1, seed=1)[1])


def test_hold_out_of_nothing():
    kept, held = hold_out(LABELS, 0, seed=1)
    assert (len(kept), len(held)) == (101, 0)


def test_every_class_keeps_a_sample():
    kept, _ = hold_out(LABELS, 0.99, seed=1)
    assert set(LABELS[kept]) == {0, 1, 2, 5}


def test_at_least_one_sample_is_held_out():
    assert len(hold_out(np.arange(4), 0.1, seed=1)[1]) == 1


GROUP_SIZES = np.array([1, 2, 3, 5, 8, 13, 21, 34, 1, 1, 30, 4, 4])
GROUPS = np.repeat([f"group {i}" for i in range(13)], GROUP_SIZES).astype(object)
GROUP_LABELS = np.repeat(np.repeat([0, 1, 2], [8, 3, 2]), GROUP_SIZES)


@pytest.mark.parametrize("part", [0.01, 0.1, 0.3, 0.9])
def test_groups_are_held_out_whole(part):
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(GROUPS))
        groups, labels = GROUPS[order], GROUP_LABELS[order]
        kept, held = hold_out_groups(labels, groups, part, seed)
        np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(127))
        assert not set(groups[kept]) & set(groups[held])
        assert set(labels[kept]) == {0, 1, 2}
        assert len(held)
        again = hold_out_groups(labels, groups, part, seed)
        np.testing.assert_array_equal(held, again[1])


def test_held_out_groups_approximate_the_share():
    sizes = np.full(40, 5)
    groups, labels = np.repeat(np.arange(40).astype(str), sizes), np.repeat([0, 1], 100)
    for part in (0.1, 0.25, 0.6):
        _, held = hold_out_groups(labels, groups, part, seed=1)
        np.testing.assert_array_equal(np.bincount(labels[held]), [100 * part] * 2)
    assert not len(hold_out_groups(labels, groups, 0, seed=1)[1])


def test_smallest_group_if_all_exceed_the_share():
    labels, groups = np.repeat([0, 1], [9, 1]), np.array([*"aaaaabbbb", "c"])
    _, held = hold_out_groups(labels, groups, 0.1, seed=1)
    assert set(groups[held]) == {"b"}
    assert not len(hold_out_groups(labels[[0, 9]], groups[[0, 9]], 0.1, seed=1)[1])


def test_choose():
    assert len(LABELS[choose(LABELS, "train_samples", None, seed=1)]) == 101
    np.testing.assert_array_equal(choose(LABELS, "train_samples", 7, 1), subset(LABELS, 7, 1))
    with pytest.raises(ValueError, match="Received: train_samples=102, samples=101"):
        choose(LABELS, "train_samples", 102, seed=1)


@pytest.mark.parametrize("count", [1, 3, 10, 37, 100, 101])
def test_subset_is_stratified(count):
    chosen = subset(LABELS, count, seed=1)
    assert len(set(chosen)) == count
    per_class = np.bincount(LABELS[chosen], minlength=6)[[0, 1, 2, 5]]
    assert np.all(np.abs(per_class - np.array([50, 30, 20, 1]) * count / 101) < 1)


def test_subset_depends_on_seed():
    first, again, other = (subset(LABELS, 10, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_ties_between_classes_are_drawn():
    labels = np.arange(20)  # one of each: any ten classes have the same right
    firsts = {tuple(subset(labels, 10, seed)) for seed in range(5)}
    assert len(firsts) == 5


@pytest.mark.parametrize("groups", [None, GROUPS])
@pytest.mark.parametrize("count", [2, 5])
def test_folds_hold_every_sample_once(groups, count):
    labels = LABELS if groups is None else GROUP_LABELS
    folds = [hold_out_fold(labels, f"{i}/{count}", 1, groups) for i in range(1, count + 1)]
    held = np.sort(np.concatenate([each for _, each in folds]))
    np.testing.assert_array_equal(held, np.arange(len(labels)))
    for kept, each in folds:
        np.testing.assert_array_equal(np.sort(np.r_[kept, each]), np.arange(len(labels)))
        assert groups is None or not set(groups[kept]) & set(groups[each])
    if groups is None:
        counts = np.array([np.bincount(labels[each], minlength=6) for _, each in folds])
        assert np.ptp(counts, axis=0).max() <= 1
        assert np.ptp(counts.sum(axis=1)) <= 1
    again = hold_out_fold(labels, f"1/{count}", 1, groups)
    np.testing.assert_array_equal(folds[0][1], again[1])
    other = hold_out_fold(labels, f"1/{count}", 2, groups)
    assert not np.array_equal(folds[0][1], other[1])


def test_groups_of_a_class_fill_the_smallest_fold():
    sizes = np.full(40, 5)
    groups, labels = np.repeat(np.arange(40).astype(str), sizes), np.repeat([0, 1], 100)
    for i in (1, 2, 3, 4):
        held = hold_out_fold(labels, f"{i}/4", 1, groups)[1]
        np.testing.assert_array_equal(np.bincount(labels[held]), [25, 25])


@pytest.mark.parametrize(
    "fold", ["0/5", "6/5", "1/1", "1", "a/b", "1/5 ", "-1/5", "", 0.2, "1/" + 9 * "9"]
)
def test_folds_that_are_none(fold):
    with pytest.raises(ValueError, match=r"`fold` must be the number of a fold.* Received: fold="):
        hold_out_fold(LABELS, fold, 1)


def test_more_folds_than_samples_or_groups():
    with pytest.raises(ValueError, match=r"a sample for each fold.*fold='1/102', samples=101"):
        hold_out_fold(LABELS, "1/102", 1)
    with pytest.raises(ValueError, match="samples=13"):
        hold_out_fold(GROUP_LABELS, "1/14", 1, GROUPS)
