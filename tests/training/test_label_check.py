"""Confident learning finds labels that were flipped, and estimates how many."""

import numpy as np
import pytest

from cctzoo import training
from cctzoo.training.label_check import check_labels

pytestmark = pytest.mark.one_backend("jax")  # NumPy


def flipped(samples=4000, classes=5, noise=0.2, seed=0):
    """True classes, labels of which a share is wrong, and probabilities of a good model."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, samples)
    wrong = rng.random(samples) < noise
    labels = np.where(wrong, (truth + rng.integers(1, classes, samples)) % classes, truth)
    logits = rng.normal(size=(samples, classes)) + 5 * np.eye(classes)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return truth, labels, probabilities


def slowly(probabilities, labels):
    """The definition of the confident joint, sample by sample: (sample, class) off its diagonal."""
    classes = probabilities.shape[1]
    means = [
        np.mean([p[j] for p, y in zip(probabilities, labels, strict=True) if y == j] or [np.inf])
        for j in range(classes)
    ]
    joint, found = np.zeros((classes, classes)), {}
    for i, (p, y) in enumerate(zip(probabilities, labels, strict=True)):
        above = [j for j in range(classes) if p[j] >= means[j]]
        if above:
            best = max(above, key=lambda j: p[j])
            joint[y, best] += 1
            if best != y:
                found[i] = best
    count = np.bincount(labels, minlength=classes)
    rows = joint.sum(axis=1)
    calibrated = np.array([joint[k] / rows[k] * count[k] for k in range(classes) if rows[k]])
    diagonal = sum(joint[k, k] / rows[k] * count[k] for k in range(classes) if rows[k])
    return found, (calibrated.sum() - diagonal) / len(labels)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.3])
def test_flipped_labels_are_found(noise):
    truth, labels, probabilities = flipped(noise=noise)
    check = check_labels(probabilities, labels, 0.0)
    found, share = slowly(probabilities, labels)
    assert dict(zip(check.questioned, check.suggested, strict=True)) == found
    assert check.noise == pytest.approx(share)
    assert check.noise == pytest.approx(noise, abs=0.04)
    wrong = np.flatnonzero(truth != labels)
    assert len(np.intersect1d(wrong, check.questioned)) >= 0.75 * len(wrong)
    right = check.suggested == truth[check.questioned]
    assert right.sum() >= 0.75 * len(wrong)


def test_weak_confusions_are_not_questioned():
    _, labels, probabilities = flipped()
    every, some = (check_labels(probabilities, labels, least) for least in (0.0, 0.98))
    found = probabilities[every.questioned, every.suggested] >= 0.98
    assert 0 < found.sum() < len(found)
    np.testing.assert_array_equal(some.questioned, every.questioned[found])
    assert some.noise == every.noise
    with pytest.raises(ValueError, match=r"from 0 to 1\. Received: least_probability=1.5"):
        check_labels(probabilities, labels, 1.5)


def test_the_largest_lead_is_first():
    _, labels, probabilities = flipped()
    check = training.check_labels(probabilities, labels)
    lead = probabilities[check.questioned, check.suggested]
    lead = lead - probabilities[check.questioned, labels[check.questioned]]
    assert (np.diff(lead) <= 0).all()


def test_a_class_without_samples_is_not_suggested():
    _, labels, probabilities = flipped()
    kept = labels != 2
    check = check_labels(probabilities[kept], labels[kept])
    assert 2 not in check.suggested


@pytest.mark.parametrize(
    ("probabilities", "labels", "rule"),
    [
        (np.ones((3, 2)), np.zeros(2, int), "must be .n, classes.* labels of shape .2,."),
        (np.ones((0, 2)), np.zeros(0, int), "n of at least 1"),
        (np.ones(3), np.zeros(3, int), "probabilities of shape .3,."),
        (np.ones((3, 2)), np.zeros(3), "integers"),
        (np.ones((3, 2)), np.full(3, 2), "from 0 to 1. Received: labels from 2 to 2"),
        (np.full((3, 2), np.nan), np.zeros(3, int), "must not be negative or NaN"),
    ],
)
def test_rules(probabilities, labels, rule):
    with pytest.raises(ValueError, match=rule):
        check_labels(probabilities, labels)
