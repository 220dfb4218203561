"""Stratified splits and subsets, on labels that come sorted."""

import numpy as np
import pytest

from cctzoo.data.splits import hold_out, subset

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files

LABELS = np.repeat([0, 1, 2, 5], [50, 30, 20, 1])


def test_held_out_is_a_part_of_every_class():
    kept, held = hold_out(LABELS, 0.1, seed=1)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(101))
    np.testing.assert_array_equal(np.bincount(LABELS[held], minlength=6), [5, 3, 2, 0, 0, 0])
    assert not np.array_equal(held, hold_out(LABELS, 0.1, seed=2)[1])
    np.testing.assert_array_equal(held, hold_out(LABELS, 0.1, seed=1)[1])


def test_nothing_held_out():
    kept, held = hold_out(LABELS, 0, seed=1)
    assert (len(kept), len(held)) == (101, 0)


def test_every_class_keeps_an_image():
    kept, _ = hold_out(LABELS, 0.99, seed=1)
    assert set(LABELS[kept]) == {0, 1, 2, 5}


def test_a_part_that_rounds_to_none_is_one_image():
    assert len(hold_out(np.arange(4), 0.1, seed=1)[1]) == 1


@pytest.mark.parametrize("count", [1, 3, 10, 37, 100, 101])
def test_a_subset_has_its_size_and_the_classes_their_share(count):
    chosen = subset(LABELS, count, seed=1)
    assert len(set(chosen)) == count
    per_class = np.bincount(LABELS[chosen], minlength=6)[[0, 1, 2, 5]]
    assert np.all(np.abs(per_class - np.array([50, 30, 20, 1]) * count / 101) < 1)


def test_a_subset_depends_on_its_seed():
    first, again, other = (subset(LABELS, 10, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_equal_remainders_are_drawn():
    labels = np.arange(20)  # one of each: any ten classes have the same right
    firsts = {tuple(subset(labels, 10, seed)) for seed in range(5)}
    assert len(firsts) == 5
